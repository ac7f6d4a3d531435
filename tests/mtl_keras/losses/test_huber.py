import keras
import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses.on_backend import gradient, summed


def data(*shape):
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, *shape)).astype("float32") * 2


@pytest.mark.parametrize("delta", [0.1, 1.0, 5.0])
def test_equals_keras(delta):
    y, p = data(20, 4)
    np.testing.assert_allclose(
        losses.Huber(delta).call(y, p),
        keras.losses.huber(y, p, delta=delta),
        rtol=1e-5,
    )


def test_values_worked_by_hand():
    y = np.zeros(4, "float32")
    p = np.array([0.0, 0.5, -1.0, 3.0], "float32")
    # 0, 0.5**2 / 2, 1 / 2, 1 * (3 - 1/2)
    expected = [0.0, 0.125, 0.5, 2.5]
    np.testing.assert_allclose(losses.Huber().call(y, p), expected)


@pytest.mark.parametrize(
    "labels, predictions, values",
    [
        ((6,), (6,), (6,)),
        ((6,), (6, 1), (6,)),
        ((6, 1), (6, 1), (6,)),
        ((6, 4), (6, 4), (6,)),
        ((6, 5, 4), (6, 5, 4), (6, 5)),
    ],
)
def test_shapes(labels, predictions, values):
    y, p = data(*predictions)
    received = losses.Huber().call(y.reshape(labels), p)
    assert tuple(received.shape) == values


@pytest.mark.parametrize("error", [0.0, 1e-20, 0.5, 1.0, 1e30])
def test_gradient_is_the_clipped_error(error):
    y = np.zeros(1, "float32")
    p = np.array([error], "float32")
    slope = gradient(summed(losses.Huber(), y), p)
    np.testing.assert_allclose(slope, np.clip(p, -1, 1))
