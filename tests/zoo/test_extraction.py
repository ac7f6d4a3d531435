"""A model of the zoo taken apart reads raw inputs as the whole one does."""

import keras
import numpy as np
import pytest

import zoo
from tests import test_case as case


def test_each_task_has_a_preprocessor_of_its_own():
    model = zoo.load("survival_cohorts")
    alone = zoo.task_models(model, ["whas", "gbsg"])
    assert list(alone) == ["whas", "gbsg"]
    rng = np.random.default_rng(0)
    raw = {
        name: rng.uniform(0, 3, (4, *spec.shape[1:])).astype("float32")
        for name, spec in model.preprocessor.input_signature().items()
    }
    inputs, _ = model.preprocessor(raw)
    expected = model(inputs)
    for task, one in alone.items():
        name = f"{task}_input"
        assert list(one.preprocessor.input_signature()) == [name]
        own, _ = one.preprocessor({name: raw[name]})
        np.testing.assert_array_equal(
            case.to_numpy(one(own)[task]), case.to_numpy(expected[task])
        )


def test_postprocessor_decodes_the_task_alone():
    model = zoo.load("cls_det_box", image_size=32)
    one = zoo.task_models(model, ["det"])["det"]
    image = np.zeros((2, 32, 32, 1), "float32")
    decoded = one.postprocessor(one({"image": image}), None)
    assert set(decoded) == {"det_present"}


def test_model_of_ones_own_is_sent_elsewhere():
    with pytest.raises(ValueError, match="mtl_keras.extract.task_models"):
        zoo.task_models(case.vector_model())


def test_keras_saves_it_and_the_zoo_does_not(tmp_path):
    one = zoo.task_models(zoo.load("survival_cohorts"), ["whas"])["whas"]
    one.save(tmp_path / "whas.keras")
    keras.models.load_model(tmp_path / "whas.keras")
    with pytest.raises(ValueError, match="zoo.load made"):
        zoo.save(one, tmp_path / "folder")
