"""Relative and scale-invariant errors of depth, worked in float64."""

import numpy as np
import pytest

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def depths(*shape):
    y, p = np.random.default_rng(0).uniform(0.5, 20, (2, *shape))
    weight = np.random.default_rng(1).random(shape) < 0.7
    return y.astype("f4"), p.astype("f4"), weight.astype("f4")


@pytest.mark.parametrize("labels", [(40, 6, 5), (40, 6, 5, 1)])
def test_abs_rel_equals_its_formula(labels):
    y, p, weight = depths(40, 6, 5)
    error = np.abs(p.astype("f8") - y) / y
    received = streams.feed(
        metrics.AbsRel(), y.reshape(labels), p[..., None], weight
    )
    expected = np.average(error, weights=weight)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("labels", [(40, 6, 5), (40, 6, 5, 1)])
def test_silog_equals_its_formula(labels):
    y, p, weight = depths(40, 6, 5)
    weight[3] = 0
    d = np.log(p.astype("f8")) - np.log(y.astype("f8"))
    expected = np.mean(
        [e[w > 0].std() for e, w in zip(d, weight, strict=True) if w.any()]
    )
    received = streams.feed(
        metrics.SILog(), y.reshape(labels), p[..., None], weight
    )
    assert received == pytest.approx(expected, rel=1e-6)


def test_a_factor_does_not_matter_to_silog():
    y, p, weight = depths(40, 30)
    received = streams.feed(metrics.SILog(), y, 7 * p, weight)
    expected = streams.feed(metrics.SILog(), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["abs_rel", "silog"])
def test_depths_of_0_are_finite(name):
    y, p, _ = depths(4, 30)
    y[:, 0] = p[:, 1] = 0
    assert np.isfinite(streams.feed(metrics.get(name), y, p))
