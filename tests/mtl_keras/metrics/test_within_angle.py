import numpy as np
import pytest

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams
from tests.mtl_keras.metrics.test_angular_error import degrees


@pytest.mark.parametrize("limit", [11.25, 30.0, 90.0])
def test_is_the_fraction_below_the_limit(limit):
    u, v, weight = streams.directions(400)
    expected = np.average(degrees(u, v) < limit, weights=weight)
    assert 0.01 < expected < 0.99
    received = streams.feed(metrics.WithinAngle(limit), u, v, weight)
    assert received == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("limit", [0.0, 181.0])
def test_impossible_limit_is_refused(limit):
    with pytest.raises(ValueError, match="`degrees` must be"):
        metrics.WithinAngle(limit)
