"""The batch that `test_registry.py` reads; values: see `test_hinge.py`."""

import numpy as np

from mtl_keras import losses


def example():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(8, 4)).astype("float32")
    return rng.integers(0, 4, 8), scores, (8,)


def test_zero_from_a_margin_of_one_on():
    scores = np.array([[3.0, 2.0, -9.0], [2.5, 2.0, 0.0]], "float32")
    values = losses.get("crammer_singer").call(np.zeros(2, "int32"), scores)
    np.testing.assert_allclose(np.asarray(values), [0.0, 0.5])
