"""What every loss must keep to whose labels depend on each other."""

import keras
import numpy as np
import pytest

from mtl_keras import LabelSpec, Task, losses
from mtl_keras.model.task_loss import LabelledBatch
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import compiled, gradient

NAMES = [n for n in losses.list_losses() if losses.get(n).couples_labels]
GONE = np.array([1, 0, 0, 1, 0, 0, 1, 0], bool)


def total(name, y_true, present):
    """A function of the predictions: the mean over the labels present."""
    loss = losses.get(name)

    def function(y_pred):
        values = losses.values(loss, y_true, y_pred, present)
        here = keras.ops.convert_to_tensor(present)
        while len(here.shape) > len(values.shape):
            here = here[..., 0]
        here = keras.ops.cast(here, "float32")
        return keras.ops.sum(values * here) / keras.ops.sum(here)

    return function


def rows_of(y_true, gone):
    return np.broadcast_to(
        ~gone.reshape(-1, *[1] * (y_true.ndim - 1)), y_true.shape
    )


def test_the_list_is_not_empty():
    assert {"cox", "dice", "pairwise_auc", "soft_f1"} <= set(NAMES)


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrap", [compiled, lambda f: f])
def test_missing_rows_are_as_if_not_there(name, wrap):
    y_true, y_pred, _ = examples.batch(name)
    present = rows_of(y_true, GONE)
    function = total(name, y_true, present)
    without = total(name, y_true[~GONE], present[~GONE])
    expected = float(without(y_pred[~GONE]))
    assert float(wrap(function)(y_pred)) == pytest.approx(expected, rel=1e-5)
    slope = gradient(wrap(function), y_pred)
    np.testing.assert_allclose(
        slope[~GONE], gradient(without, y_pred[~GONE]), rtol=1e-4, atol=1e-7
    )
    assert not slope[GONE].any()


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("junk", [0.0, 1.0, 1e30, np.nan, np.inf])
def test_what_stands_in_missing_rows_does_not_matter(name, junk):
    y_true, y_pred, _ = examples.batch(name)
    present = rows_of(y_true, GONE)
    expected = float(total(name, y_true, present)(y_pred))
    y_true, y_pred = np.array(y_true, "float32"), y_pred.copy()
    y_pred[GONE] = junk
    y_true[GONE] = junk
    function = total(name, y_true, present)
    assert float(function(y_pred)) == pytest.approx(expected, rel=1e-6)
    slope = gradient(compiled(function), y_pred)
    assert np.isfinite(slope).all()
    assert not slope[GONE].any()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_labels_costs_nothing(name):
    y_true, y_pred, shape = examples.batch(name)
    loss = losses.get(name)
    nothing = np.zeros(y_true.shape, bool)
    values = np.asarray(losses.values(loss, y_true, y_pred, nothing))
    np.testing.assert_array_equal(values, np.zeros(shape))


@pytest.mark.parametrize("name", NAMES)
def test_all_present_is_the_default(name):
    y_true, y_pred, _ = examples.batch(name)
    loss = losses.get(name)
    np.testing.assert_array_equal(
        losses.values(loss, y_true, y_pred, np.ones(y_true.shape, bool)),
        loss.call(y_true, y_pred),
    )


@pytest.mark.parametrize("name", NAMES)
def test_presence_of_examples_is_enough(name):
    y_true, y_pred, _ = examples.batch(name)
    loss = losses.get(name)
    np.testing.assert_array_equal(
        losses.values(loss, y_true, y_pred, ~GONE),
        losses.values(loss, y_true, y_pred, rows_of(y_true, GONE)),
    )


def batch_of(name, y_true, y_pred, weight=None):
    task = Task(
        "t", loss=losses.get(name), label=LabelSpec(shape=y_true.shape[1:])
    )
    return LabelledBatch(task, task.loss, y_true, y_pred, weight, None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mark", ["nan", "weight", "both"])
def test_a_labelled_batch_tells_the_loss_what_is_missing(name, mark):
    y_true, y_pred, _ = examples.batch(name)
    y_true = y_true.astype("float32")
    by_nan, by_weight = GONE.copy(), GONE.copy()
    if mark == "both":
        by_nan[:4] = by_weight[4:] = False
    marked, weight = y_true.copy(), None
    if mark != "weight":
        marked[by_nan] = np.nan
    if mark != "nan":
        weight = (~by_weight).astype("float32")
    received = batch_of(name, marked, y_pred, weight)
    expected = batch_of(name, y_true[~GONE], y_pred[~GONE])
    assert float(received.count) == float(expected.count)
    assert float(received.total) == pytest.approx(
        float(expected.total), rel=1e-5
    )
    mean = total(name, y_true[~GONE], rows_of(y_true, GONE)[~GONE])
    assert float(received.total / received.count) == pytest.approx(
        float(mean(y_pred[~GONE])), rel=1e-5
    )
