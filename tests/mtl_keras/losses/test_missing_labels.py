"""Binary cross-entropy where elements of a label are missing."""

import keras
import numpy as np
import pytest

from mtl_keras import LabelSpec, Task, losses
from mtl_keras.model.task_loss import LabelledBatch
from tests.mtl_keras.losses.on_backend import compiled, gradient

SPEC = LabelSpec((12,), missing=-1, minimum=0, maximum=1)


def assays():
    """Twelve assays an example, four in ten of them not made."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (40, 12)).astype("float32")
    p = rng.uniform(0.05, 0.95, (40, 12)).astype("float32")
    gone = rng.uniform(size=y.shape) < 0.4
    return y, p, gone


def mean(loss, marked):
    task = Task("assay", loss=loss, label=SPEC)

    def function(p):
        batch = LabelledBatch(task, loss, marked, p, None, None)
        return batch.total / batch.count

    return function


@pytest.mark.sampled
@pytest.mark.parametrize("marker", [np.nan, -1.0])
@pytest.mark.parametrize(
    "loss",
    [losses.BinaryCrossEntropy(), keras.losses.BinaryCrossentropy()],
    ids=["ours", "keras"],
)
def test_is_the_mean_over_the_elements_there(loss, marker):
    y, p, gone = assays()
    function = mean(loss, np.where(gone, marker, y).astype("float32"))
    chosen = np.where(y > 0, p, 1 - p).astype("float64")
    expected = -np.log(chosen[~gone]).mean()
    assert float(function(p)) == pytest.approx(expected, abs=1e-6)
    slope = gradient(compiled(function), p)
    by_hand = np.where(y > 0, -1 / p, 1 / (1 - p)) / (~gone).sum()
    np.testing.assert_allclose(slope[~gone], by_hand[~gone], rtol=1e-4)
    assert not slope[gone].any()
