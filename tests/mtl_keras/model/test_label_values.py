"""What counts as a missing label, and what is clipped to its range."""

import importlib.util
import warnings

import keras
import numpy as np
import pytest

from mtl_keras import LabelSpec, MultiTaskModel, Task
from mtl_keras.label_arrays import labels_as_array
from tests import test_case as case

X, LABELS = case.vector_data(8, missing=0.0)
BOXES = np.tile(np.array([0.1, 0.2, 0.9, 1.0], "float32"), (8, 1))


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((8,))
    trunk = keras.layers.Dense(4)(inputs)
    outputs = {
        "box": keras.layers.Dense(4, name="box")(trunk),
        "t": keras.layers.Dense(1, name="t")(trunk),
    }
    model = MultiTaskModel(inputs, outputs, tasks=[Task("box", "box")])
    model.compile("sgd", {"t": "mse", "box": "mse"}, metrics={"box": ["mae"]})
    return model


def evaluated(model, labels):
    return model.evaluate(X, labels, verbose=0, return_dict=True)


def test_corners_of_six_digits_are_clipped_and_that_is_said_once(model):
    boxes = BOXES.copy()
    boxes[2, 3] = 1.0000005
    boxes[4, :2] = -0.00009
    boxes[5, 2] = 1.00009
    with pytest.warns(UserWarning, match="'box' outside.*were clipped"):
        logs = evaluated(model, {"box": boxes})
    error = model.predict(X, verbose=0)["box"] - np.clip(boxes, 0, 1)
    case.assert_close(logs["box_loss"], np.mean(error**2))
    case.assert_close(logs["box_mae"], np.mean(np.abs(error)))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Labels of the task")
        evaluated(model, {"box": boxes})


@pytest.mark.parametrize("value", [1.0002, -0.0002])
def test_corners_further_outside_are_refused(value, model):
    boxes = BOXES.copy()
    boxes[2, 3 if value > 0 else 0] = value
    with pytest.raises(ValueError, match="example 2"):
        evaluated(model, {"box": boxes})


def test_the_tolerance_is_a_fraction_of_the_range():
    spec = LabelSpec(minimum=-100.0, maximum=100.0)
    label = np.array([100.019, 100.021, -100.019, -100.021], "float32")
    assert spec.invalid(label).tolist() == [False, True, False, True]
    filled = case.to_numpy(spec.fill(label[[0, 2]]))
    assert filled.tolist() == [100.0, -100.0]
    classes = LabelSpec(dtype="int32", minimum=0, maximum=100000)
    assert classes.invalid(np.array([-1, 100001])).all()
    assert not LabelSpec(minimum=0.0).tolerance


MISSING = {
    "list": [1.0, None, 3.0, 4.0, None, 6.0, 7.0, 8.0],
    "objects": np.array([1, None, 3, 4, np.nan, 6, 7, 8], object),
    "masked": np.ma.masked_array(np.arange(1, 9), [0, 1, 0, 0, 1, 0, 0, 0]),
}


@pytest.mark.parametrize("what", MISSING)
def test_none_is_a_missing_label(what, model):
    logs = evaluated(model, {"t": MISSING[what]})
    kept = [0, 2, 3, 5, 6, 7]
    error = model.predict(X, verbose=0)["t"][kept, 0] - (np.array(kept) + 1)
    case.assert_close(logs["t_loss"], np.mean(error**2))


@pytest.mark.skipif(
    importlib.util.find_spec("pandas") is None, reason="needs pandas"
)
@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean"])
def test_nullable_columns_are_arrays_with_missing_labels(dtype):
    import pandas as pd

    column = pd.Series([1, None, 0], dtype=dtype)
    received = labels_as_array("t", column)
    np.testing.assert_array_equal(received, [1.0, np.nan, 0.0])


WRONG = {
    "names": (["a"] * 8, "labels that are numbers"),
    "names and None": (["a", None] * 4, "labels that are numbers"),
    "number": (1.0, "a label for each example.*single one, 1.0"),
    "unbatched scalar": (np.float32(2), "a label for each example"),
    "uneven lists": ([[1.0, 2.0], [3.0]] * 4, "lists of different lengths"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_true_cause_is_named(what, model):
    labels, words = WRONG[what]
    with pytest.raises(ValueError, match=f"'t' expects.*{words}"):
        evaluated(model, {"t": labels})
