import numpy as np
import pytest

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def degrees(u, v):
    u, v = u.astype("f8"), v.astype("f8")
    cosine = (u * v).sum(-1)
    cosine /= np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
    return np.degrees(np.arccos(cosine))


@pytest.mark.parametrize("shape", [(300,), (60, 5)])
def test_equals_the_arc_cosine(shape):
    u, v, weight = streams.directions(300)
    expected = np.average(degrees(u, v), weights=weight)
    received = streams.feed(
        metrics.AngularError(),
        u.reshape(*shape, 3),
        v.reshape(*shape, 3),
        weight.reshape(shape),
    )
    assert received == pytest.approx(expected, rel=1e-6)


def test_a_direction_missing_in_part_is_left_out():
    u, v, _ = streams.directions(50)
    weight = (np.random.default_rng(1).random((50, 3)) < 0.8).astype("f4")
    u[weight == 0] = np.nan
    kept = weight.all(-1)
    received = streams.feed(metrics.AngularError(), u, v, weight)
    expected = degrees(u[kept], v[kept]).mean()
    assert received == pytest.approx(expected, rel=1e-6)
