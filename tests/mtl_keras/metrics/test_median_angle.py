import numpy as np
import pytest

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams
from tests.mtl_keras.metrics.test_angular_error import degrees


def test_is_the_median_of_the_labels_that_count():
    u, v, weight = streams.directions(501)
    expected = np.median(degrees(u, v)[weight > 0])
    received = streams.feed(metrics.MedianAngle(), u, v, weight > 0)
    # Between two of few labels there is more than one median.
    near = np.sort(np.abs(degrees(u, v)[weight > 0] - expected))[3]
    assert received == pytest.approx(expected, abs=max(near, 1 / 32))


@pytest.mark.parametrize("angle", [0.0, 0.3, 45.0, 179.9])
def test_one_angle_is_its_own_median(angle):
    radians = np.radians(angle)
    u = np.tile([[1.0, 0.0, 0.0]], (40, 1)).astype("f4")
    v = np.tile([[np.cos(radians), np.sin(radians), 0.0]], (40, 1))
    received = streams.feed(metrics.MedianAngle(), u, v.astype("f4"))
    assert received == pytest.approx(angle, abs=1 / 32)


def test_missing_directions_are_left_out():
    u = np.array([[1, 0, 0], [np.nan, 0, 0], [0, 1, 0]], "f4")
    v = np.array([[1, 0.1, 0], [0, 1, 0], [0.1, 1, 0]], "f4")
    weight = np.array([1, 0, 1], "f4")
    received = streams.feed(metrics.MedianAngle(), u, v, weight)
    assert received == pytest.approx(np.degrees(np.arctan(0.1)), abs=1 / 32)
