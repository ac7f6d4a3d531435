"""What `fit` and `evaluate` make of labels and weights."""

import numpy as np

from mtl_keras import LabelSpec, Task
from mtl_keras.model import label_checks

TASKS = {
    "a": Task("a", label=LabelSpec()),
    "b": Task("b", label=LabelSpec((2,))),
}
X = np.zeros((3, 5), "float32")
LABELS = {"a": [1.0, 2.0, 3.0], "b": np.ones((3, 2))}


def standardized(y, sample_weight):
    return label_checks.standardize_arrays(X, y, sample_weight, TASKS, TASKS)


def test_a_task_without_sample_weights_weighs_1():
    labels, weights = standardized(LABELS, {"b": [0.5, 0.0, 2.0]})
    assert labels.keys() == weights.keys() == {"a", "b"}
    np.testing.assert_array_equal(labels["a"], [1, 2, 3])
    np.testing.assert_array_equal(weights["a"], [1, 1, 1])
    np.testing.assert_array_equal(weights["b"], [0.5, 0, 2])


def test_one_array_of_weights_is_for_every_task_with_labels():
    labels, weights = standardized({**LABELS, "b": None}, [0.5, 0.0, 2.0])
    assert labels.keys() == weights.keys() == {"a"}
    np.testing.assert_array_equal(weights["a"], [0.5, 0, 2])


def test_without_weights_there_are_none():
    assert standardized(LABELS, None)[1] is None
