import numpy as np
import pytest

from mtl_keras import LabelSpec, Task, losses
from mtl_keras.model.task_loss import LabelledBatch
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed


def depths(*shape, seed=0):
    y, p = np.random.default_rng(seed).uniform(0.5, 20, (2, *shape))
    return y.astype("float32"), p.astype("float32")


def by_hand(y, p, share=0.5):
    d = np.log(p.astype("float64")) - np.log(y.astype("float64"))
    return (d**2).mean() - share * d.mean() ** 2


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("labels", [(4, 6, 5), (4, 6, 5, 1)])
def test_mean_over_pixels_is_the_paper_s_formula(labels, share):
    y, p = depths(4, 6, 5)
    values = losses.ScaleInvariantDepth(share).call(
        y.reshape(labels), p[..., None]
    )
    expected = [by_hand(a, b, share) for a, b in zip(y, p, strict=True)]
    np.testing.assert_allclose(
        np.mean(values, axis=(1, 2)), expected, rtol=1e-5, atol=1e-6
    )


def test_a_factor_costs_nothing_with_the_whole_share():
    y, _ = depths(4, 30)
    values = losses.ScaleInvariantDepth(1.0).call(y, 3 * y)
    np.testing.assert_allclose(values, np.zeros(y.shape), atol=1e-5)


def test_pixels_without_a_label_do_not_count():
    y, p = depths(4, 30)
    gone = np.random.default_rng(1).uniform(size=y.shape) < 0.4
    gone[2] = True
    loss = losses.ScaleInvariantDepth()
    task = Task("depth", loss=loss, label=LabelSpec((30,), minimum=0))
    marked = np.where(gone, np.nan, y).astype("float32")
    batch = LabelledBatch(task, loss, marked, p, None, None)
    kept = ~gone
    parts = [
        kept[i].sum() * by_hand(y[i][kept[i]], p[i][kept[i]]) for i in (0, 1, 3)
    ]
    assert float(batch.total) == pytest.approx(sum(parts), rel=1e-5)
    assert float(batch.count) == kept.sum()


def test_logarithms_may_be_predicted():
    y, p = depths(4, 30)
    np.testing.assert_allclose(
        losses.ScaleInvariantDepth(from_logarithm=True).call(y, np.log(p)),
        losses.ScaleInvariantDepth().call(y, p),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("p", [-1.0, 0.0, 1e-6])
def test_predictions_at_0_are_pulled_up(p):
    y, _ = depths(2, 5)
    function = compiled(summed(losses.ScaleInvariantDepth(), y))
    p = np.full((2, 5), p, "float32")
    slope = gradient(function, p)
    assert np.isfinite(float(function(p)))
    assert np.isfinite(slope).all()
    assert (slope < 0).all()


def test_one_depth_an_example():
    y, p = depths(6)
    values = losses.ScaleInvariantDepth().call(y, p[:, None])
    expected = [by_hand(y[[i]], p[[i]]) for i in range(6)]
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
