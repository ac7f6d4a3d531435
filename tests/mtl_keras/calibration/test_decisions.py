"""Decisions of a model: chosen on data, applied and served by its decoder."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import MultiTaskModel, Task, calibration, data, export
from mtl_keras.calibration import decisions as decisions_module

TASKS = [
    Task("ill", "presence"),
    Task("kind", "classification", class_names=("a", "b", "c")),
    Task("price", "regression"),
]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,), name="x")
    outputs = {task.name: task.head.build(inputs, task) for task in TASKS}
    model = MultiTaskModel({"x": inputs}, outputs, tasks=TASKS)
    decoder = data.AnswerDecoder(TASKS)
    object.__setattr__(model, "postprocessor", decoder)
    return model


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 6)).astype("float32")
    labels = {
        "ill": (x[:, 0] + rng.normal(size=600) > 1).astype("int32"),
        "kind": rng.integers(-1, 3, 600).astype("int32"),
        "price": x[:, 1],
    }
    return tf.data.Dataset.from_tensor_slices(({"x": x}, labels)).batch(128)


def test_decisions_are_those_of_the_arrays(model, dataset):
    decisions = calibration.apply(model, dataset)
    outputs, labels = calibration.predictions(model, dataset)
    assert set(decisions) == {"ill", "kind"}
    assert set(decisions["kind"]) == {"temperature"}
    for name, decision in decisions.items():
        fitted = calibration.fit_temperature(outputs[name], labels[name])
        assert fitted != pytest.approx(1, abs=0.2)
        assert decision["temperature"] == pytest.approx(fitted, abs=1e-4)
    scaled = calibration.calibrated(
        outputs["ill"], decisions["ill"]["temperature"]
    )
    threshold = calibration.best_threshold(scaled, labels["ill"])
    assert decisions["ill"]["threshold"] == pytest.approx(threshold, abs=1e-4)
    assert model.postprocessor.decisions == decisions
    errors = calibration.errors(model, dataset)
    assert errors["ill_calibrated_ece"] == pytest.approx(
        calibration.expected_calibration_error(scaled, labels["ill"])
    )
    assert set(errors) == {
        f"{name}_{key}"
        for name in decisions
        for key in ("ece", "calibrated_ece")
    }


def test_a_model_that_is_calibrated_keeps_its_probabilities(monkeypatch):
    rng = np.random.default_rng(0)
    probabilities = rng.uniform(size=(400, 1))
    labels = (rng.uniform(size=(400, 1)) < probabilities).astype("int32")
    model = types.SimpleNamespace(tasks={"ill": TASKS[0]})
    arrays = {"ill": probabilities}, {"ill": labels}
    monkeypatch.setattr(decisions_module, "predictions", lambda *a: arrays)
    fitted = calibration.fit_temperature(probabilities, labels)
    assert abs(fitted - 1) > 1e-3
    chosen = calibration.choose(model, None)
    assert chosen["ill"]["temperature"] == 1.0


def test_the_served_probabilities_are_the_calibrated_ones(tmp_path, model):
    decisions = {
        "ill": {"temperature": 2.5, "threshold": 0.7},
        "kind": {"temperature": 0.5},
    }
    decoder = data.AnswerDecoder(TASKS, decisions=decisions)
    again = data.AnswerDecoder.from_config(decoder.get_config())
    path = export.saved_model(model, tmp_path / "1", postprocessor=again)
    x = np.random.default_rng(1).normal(size=(50, 6)).astype("float32") * 3
    served = tf.saved_model.load(str(path)).signatures["serving_default"](
        x=tf.constant(x)
    )
    outputs = model.predict({"x": x}, verbose=0)
    for name, decision in decisions.items():
        expected = calibration.calibrated(
            outputs[name], decision["temperature"]
        )
        np.testing.assert_allclose(
            served[f"{name}_probability"], expected, atol=1e-5
        )
    ill = served["ill_probability"][:, 0] >= 0.7
    np.testing.assert_array_equal(served["ill_present"], ill)
    np.testing.assert_allclose(
        served["kind_score"], np.max(served["kind_probability"], 1)
    )


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ({"il": {}}, "Did you mean 'ill'"),
        ({"ill": {"temperatur": 1}}, "Did you mean 'temperature'"),
        ({"ill": {"temperature": 0}}, "temperature"),
        ({"ill": {"threshold": 2}}, "threshold"),
    ],
)
def test_wrong_decisions_are_refused(decisions, message):
    with pytest.raises(ValueError, match=message):
        data.AnswerDecoder(TASKS, decisions=decisions)


def test_boxes_need_a_size():
    with pytest.raises(ValueError, match="needs `height` and `width`"):
        data.AnswerDecoder([Task("box", "box")])


def test_without_validation_or_decoder_it_is_refused(model, dataset):
    with pytest.raises(ValueError, match="needs a validation split"):
        calibration.apply(model, None)
    plain = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="needs a postprocessor"):
        calibration.apply(plain, dataset)
