import keras
import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import (
    compiled_gradient,
    gradient,
    summed,
)


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (3.0, 0.5)])
def test_is_the_weighted_sum_of_its_parts(weights):
    a, b = examples.boxes(50, seed=0), examples.boxes(50, seed=1)
    huber = np.asarray(keras.losses.huber(a, b, delta=0.2))
    giou = np.asarray(losses.GIoU().call(a, b))
    received = losses.BoxLoss(*weights, delta=0.2).call(a, b)
    np.testing.assert_allclose(
        received, weights[0] * huber + weights[1] * giou, rtol=1e-5
    )


def test_right_boxes_cost_nothing():
    boxes = examples.boxes(50)
    np.testing.assert_allclose(
        losses.BoxLoss().call(boxes, boxes), 0, atol=1e-6
    )


def test_finite_for_every_prediction_in_the_image():
    rng = np.random.default_rng(0)
    a = examples.boxes(2000)
    b = rng.random((2000, 4)).astype("float32")
    b[:500] = np.round(b[:500])
    function = summed(losses.BoxLoss(), a)
    slope = gradient(function, b)
    assert np.isfinite(float(function(b)))
    assert np.isfinite(slope).all()
    assert (np.abs(slope).max(-1) > 0.1).all()


def test_descent_from_a_mirrored_box_does_not_stick():
    true = np.array([[0.2, 0.3, 0.6, 0.8]], "float32")
    box = true[:, [2, 3, 0, 1]]
    slope_at = compiled_gradient(summed(losses.BoxLoss(), true))
    for step in range(600):
        box = box - 0.01 * 0.99**step * slope_at(box)
    np.testing.assert_allclose(box, true, atol=0.02)
