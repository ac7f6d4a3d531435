"""What is no multi-task model, or no batches, is named."""

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import relations

X = np.ones((4, 2), "float32")
Y = {"a": np.ones(4), "b": np.ones(4)}


def _outputs():
    inputs = keras.Input((2,), name="x")
    shared = keras.layers.Dense(2)(inputs)
    names = ("a", "b")
    return inputs, {n: keras.layers.Dense(1, name=n)(shared) for n in names}


def test_other_models_are_refused():
    plain = keras.Model(*_outputs())
    for name in ("label_pearson", "prediction_lasso", "cka", "gradients"):
        with pytest.raises(ValueError, match="Expected a mtl_keras.MultiTask"):
            relations.measure(name, plain, (X, Y))
    model = mtl_keras.MultiTaskModel(*_outputs())
    for name in ("gradients", "affinity"):
        with pytest.raises(ValueError, match="is not compiled"):
            relations.measure(name, model, (X, Y))
    inputs, outputs = _outputs()
    model = mtl_keras.MultiTaskModel(inputs, {"a": outputs["a"]})
    model.compile("sgd", loss="mse")
    with pytest.raises(ValueError, match="two or more tasks.*'a'"):
        relations.gradients(model, (X, {"a": Y["a"]}))


@pytest.mark.parametrize(
    "data, message",
    [
        (None, "Expected batches.*NoneType"),
        ({"x": X}, "Expected batches.*dict"),
        ([X], "Expected batches.*ndarray"),
        ([(X,)], "Expected batches.*tuple"),
        ([(X, Y["a"])], "labels as a dict"),
        ((X, {"a": np.ones(3)}), "same number of examples"),
        ([], "at least one batch"),
    ],
)
def test_other_data_are_refused(data, message):
    model = mtl_keras.MultiTaskModel(*_outputs())
    with pytest.raises(ValueError, match=message):
        relations.label_columns(model, data)
    with pytest.raises(ValueError, match="`steps`"):
        relations.label_columns(model, (X, Y), steps=0)


def test_illegal_labels_and_losses_that_are_not_finite_are_refused():
    inputs = keras.Input((2,), name="x")
    shared = keras.layers.Dense(2)(inputs)
    outputs = {
        "a": keras.layers.Dense(3, "softmax", name="a")(shared),
        "b": keras.layers.Dense(1, name="b")(shared),
    }
    tasks = [
        mtl_keras.Task("a", "classification", num_classes=3),
        mtl_keras.Task("b", "regression"),
    ]
    model = mtl_keras.MultiTaskModel(inputs, outputs, tasks=tasks)
    model.compile("sgd", jit_compile=False)
    x, y = X[:3], {"a": np.array([0, 1, 2]), "b": np.ones(3, "float32")}
    for measure in ("affinity", "gradients", "label_pearson"):
        with pytest.raises(ValueError, match=r"in \[0, 3\)"):
            relations.measure(measure, model, (x, {**y, "a": np.full(3, 7)}))
        with pytest.raises(ValueError, match=r"numpy\.asarray"):
            relations.measure(measure, model, (x, {**y, "a": [0, 1, 2]}))
        with pytest.raises(ValueError, match="Did you mean 'a'"):
            relations.measure(measure, model, (x, {**y, "aa": y["a"]}))
    for measure in ("affinity", "gradients"):
        with pytest.raises(ValueError, match="loss of task 'a' must be finite"):
            relations.measure(measure, model, (x * np.nan, y))
