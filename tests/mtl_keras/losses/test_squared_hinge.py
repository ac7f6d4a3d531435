"""The batch that `test_registry.py` reads; values: see `test_hinge.py`."""

import numpy as np

from mtl_keras import losses
from tests.mtl_keras.losses import test_hinge


def example():
    return test_hinge.example()


def test_slope_has_no_jump_at_the_margin():
    loss = losses.get("squared_hinge")
    scores = np.array([1.0, 1.0 - 1e-3, 1.0 + 1e-3], "float32")
    values = np.asarray(loss.call(np.ones(3, "int32"), scores))
    np.testing.assert_allclose(values, [0, 1e-6, 0], atol=1e-9)
