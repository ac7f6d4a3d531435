import numpy as np
import pytest

from mtl_keras import LabelSpec, Task, losses
from mtl_keras.model.task_loss import LabelledBatch
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed


def by_hand(u, v):
    u, v = u.astype("float64"), v.astype("float64")
    cosine = (u * v).sum(-1)
    cosine /= np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
    return np.arccos(np.clip(cosine, -1, 1))


def directions(*shape):
    return np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")


@pytest.mark.parametrize("shape", [(50, 3), (4, 5, 6, 3), (50, 2)])
def test_equals_the_arc_cosine(shape):
    u, v = directions(*shape)
    np.testing.assert_allclose(
        losses.Angular().call(u, v), by_hand(u, v), rtol=1e-5, atol=1e-5
    )


def test_small_angles_are_exact():
    angle = np.array([1e-3, 1e-2, 0.1])
    u = np.tile([1.0, 0.0, 0.0], (3, 1))
    v = np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    np.testing.assert_allclose(losses.Angular().call(u, v), angle, rtol=1e-4)


def test_length_does_not_matter():
    u, v = directions(50, 3)
    np.testing.assert_allclose(
        losses.Angular().call(7 * u, 0.1 * v),
        losses.Angular().call(u, v),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    "v, expected", [([2, 0, 0], 0), ([-1, 0, 0], np.pi), ([0, 0, 0], np.pi / 2)]
)
def test_extremes_are_finite(v, expected):
    function = compiled(summed(losses.Angular(), np.array([[1.0, 0, 0]])))
    v = np.array([v], "float32")
    assert float(function(v)) == pytest.approx(expected, abs=1e-5)
    assert np.isfinite(gradient(function, v)).all()


def test_directions_missing_in_part_do_not_count():
    u, v = directions(4, 5, 3)
    gone = np.random.default_rng(1).uniform(size=u.shape) < 0.2
    loss = losses.Angular()
    task = Task("normal", loss=loss, label=LabelSpec((5, 3)))
    marked = np.where(gone, np.nan, u).astype("float32")
    batch = LabelledBatch(task, loss, marked, v, None, None)
    kept = ~gone.any(-1)
    assert float(batch.count) == kept.sum()
    expected = by_hand(u, v)[kept].sum()
    assert float(batch.total) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "labels, predictions", [((6, 3), (6, 2)), ((6, 1), (6, 1)), ((6,), (6,))]
)
def test_what_is_no_direction_is_refused(labels, predictions):
    with pytest.raises(ValueError, match="'angular' expects directions"):
        losses.Angular().call(np.ones(labels), np.ones(predictions))
