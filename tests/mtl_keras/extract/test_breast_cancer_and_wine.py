"""Two data sets, one low-rank network: trained, then served apart."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn import datasets

import mtl_keras
from mtl_keras import Task, extract, sharing
from tests import test_case as case


def joint_model():
    keras.utils.set_random_seed(0)
    inputs = {
        "cancer_input": keras.Input((30,), name="cancer_input"),
        "wine_input": keras.Input((13,), name="wine_input"),
    }
    tasks = [
        Task("cancer", "presence"),
        Task("wine", "classification", class_names=("one", "two", "three")),
    ]
    return mtl_keras.build(
        inputs,
        tasks,
        trunk=lambda x: layers.Dense(16, "relu", name="dense")(x),
        sharing=sharing.Adapters(
            units=20, base={"name": "low_rank", "rank": 4}
        ),
        name="joint",
    )


def joint_data():
    """Both data sets side by side; an example has one input and one label."""
    cancer, wine = (
        load(return_X_y=True)
        for load in (datasets.load_breast_cancer, datasets.load_wine)
    )
    counts = len(cancer[1]), len(wine[1])
    x = {}
    for name, (values, _), place in (
        ("cancer_input", cancer, 0),
        ("wine_input", wine, 1),
    ):
        scaled = (values - values.mean(0)) / values.std(0)
        rows = np.zeros((sum(counts), values.shape[1]), "float32")
        rows[place * counts[0] :][: counts[place]] = scaled
        x[name] = rows
    y = {
        "cancer": np.r_[cancer[1], np.full(counts[1], -1)].astype("int32"),
        "wine": np.r_[np.full(counts[0], -1), wine[1]].astype("int32"),
    }
    return x, y


@pytest.fixture(scope="module")
def trained():
    model = joint_model()
    x, y = joint_data()
    model.compile(keras.optimizers.Adam(0.02), jit_compile=case.JIT_COMPILE[0])
    model.fit(x, y, batch_size=64, epochs=4, verbose=0)
    return model, x, y


def test_each_model_predicts_what_the_joint_one_does(trained):
    model, x, y = trained
    alone = extract.task_models(model)
    expected = model.predict(x, verbose=0)
    for task, one in alone.items():
        name = f"{task}_input"
        assert [tensor.name for tensor in one.inputs] == [name]
        received = one.predict({name: x[name]}, verbose=0)
        assert set(received) == {task}
        np.testing.assert_array_equal(received[task], expected[task])
    # It has learnt both, so equal outputs say something.
    known = y["wine"] >= 0
    hits = expected["wine"].argmax(-1)[known] == y["wine"][known]
    assert hits.mean() > 0.9
    known = y["cancer"] >= 0
    hits = (expected["cancer"][:, 0] > 0.5)[known] == y["cancer"][known]
    assert hits.mean() > 0.9


def test_neither_holds_the_others_head_or_adapter(trained):
    alone = extract.task_models(trained[0])
    # Adapter, basis of the trunk (20 x 4), own factor (4 x 16) and head.
    sizes = {
        "cancer": (30 * 20 + 20) + 20 * 4 + (4 * 16 + 16) + (16 + 1),
        "wine": (13 * 20 + 20) + 20 * 4 + (4 * 16 + 16) + (16 * 3 + 3),
    }
    for task, other in (("cancer", "wine"), ("wine", "cancer")):
        paths = [variable.path for variable in alone[task].variables]
        assert not any(other in path for path in paths)
        assert alone[task].count_params() == sizes[task]
    # The basis is the one thing that both have.
    assert trained[0].count_params() == sum(sizes.values()) - 20 * 4


def test_each_is_saved_alone(trained, tmp_path):
    _, x, _ = trained
    one = extract.task_models(trained[0])["wine"]
    one.save(tmp_path / "wine.keras")
    again = keras.models.load_model(tmp_path / "wine.keras")
    assert again.tasks["wine"].class_names == ("one", "two", "three")
    values = {"wine_input": x["wine_input"][-5:]}
    np.testing.assert_array_equal(
        case.to_numpy(again(values)["wine"]), case.to_numpy(one(values)["wine"])
    )


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a SavedModel"
)
def test_each_is_served_alone(trained, tmp_path):
    import tensorflow as tf

    model, x, _ = trained
    expected = model.predict(x, verbose=0)
    for task, one in extract.task_models(model).items():
        path = mtl_keras.export.saved_model(one, tmp_path / task / "1")
        served = tf.saved_model.load(path)
        name = f"{task}_input"
        signature = served.signatures["serving_default"]
        assert list(signature.structured_input_signature[1]) == [name]
        outputs = signature(**{name: x[name]})
        np.testing.assert_array_equal(outputs[task].numpy(), expected[task])
        assert set(served.signatures) == {"serving_default", task}
