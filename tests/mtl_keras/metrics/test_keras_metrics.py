"""Keras's own metrics under missing labels and weights, by scikit-learn."""

import keras
import numpy as np
import pytest
from sklearn import metrics as sklearn

from mtl_keras import LabelSpec, MultiTaskModel, Task
from tests.mtl_keras.metrics import streams


def evaluated(metric, y, p, weight=None, *, weighted=False):
    """The metric in a multi-task model whose output is its input."""
    inputs = keras.Input(p.shape[1:])
    task = Task("t", label=LabelSpec(y.shape[1:], maximum=1, minimum=0))
    model = MultiTaskModel(
        inputs, {"t": keras.layers.Identity(name="t")(inputs)}, tasks=[task]
    )
    key = "weighted_metrics" if weighted else "metrics"
    model.compile(loss={"t": "binary_crossentropy"}, **{key: {"t": [metric]}})
    logs = model.evaluate(
        p,
        {"t": y},
        sample_weight=None if weight is None else {"t": weight},
        batch_size=32,
        return_dict=True,
        verbose=0,
    )
    return logs[f"t_{metric.name}"]


def with_missing(*shape):
    y, p, weight = streams.yes_or_no(*shape)
    return np.where(weight > 0, y, np.nan).astype("float32"), p, weight > 0


@pytest.mark.parametrize("labels", [(100,), (100, 1)])
def test_binary_f1_leaves_missing_labels_out(labels):
    y, p, present = with_missing(100, 1)
    expected = sklearn.f1_score(y[present], p[present] > 0.5)
    metric = keras.metrics.F1Score(average="micro", threshold=0.5)
    received = evaluated(metric, y.reshape(labels), p)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_f1_of_several_labels_leaves_missing_elements_out(average):
    y, p, present = with_missing(100, 3)
    metric = keras.metrics.F1Score(average=average, threshold=0.5)
    if average == "micro":
        expected = sklearn.f1_score(y[present], p[present] > 0.5)
    else:
        expected = np.mean(
            [
                sklearn.f1_score(y[k, i], p[k, i] > 0.5)
                for i, k in enumerate(present.T)
            ]
        )
    assert evaluated(metric, y, p) == pytest.approx(expected, rel=1e-6)


def test_f1_of_several_labels_weighs_examples():
    y, p, _ = streams.yes_or_no(100, 3)
    weight = np.random.default_rng(1).uniform(0.5, 2, 100).astype("float32")
    metric = keras.metrics.F1Score(average="macro", threshold=0.5)
    received = evaluated(metric, y.astype("float32"), p, weight, weighted=True)
    expected = sklearn.f1_score(
        y, p > 0.5, average="macro", sample_weight=weight
    )
    assert received == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["Precision", "Recall"])
def test_one_class_of_several_leaves_missing_elements_out(name):
    y, p, present = with_missing(100, 3)
    metric = getattr(keras.metrics, name)(class_id=1)
    k = present[:, 1]
    score = getattr(sklearn, f"{name.lower()}_score")
    expected = score(y[k, 1], p[k, 1] > 0.5)
    assert evaluated(metric, y, p) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["Precision", "Recall"])
def test_all_labels_together_leave_missing_elements_out(name):
    y, p, present = with_missing(100, 3)
    metric = getattr(keras.metrics, name)()
    score = getattr(sklearn, f"{name.lower()}_score")
    expected = score(y[present], p[present] > 0.5)
    assert evaluated(metric, y, p) == pytest.approx(expected, rel=1e-6)
