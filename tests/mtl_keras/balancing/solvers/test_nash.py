"""The bargain's equations, left-hand against right-hand side, in float64."""

import functools

import keras
import numpy as np
import pytest

from mtl_keras.balancing.solvers import nash
from tests.mtl_keras.balancing.rows import FAMILIES, WELL_POSED, families
from tests.test_case import to_numpy


@functools.cache
def compiled(alpha):
    def solve(gramian):
        return nash.solve(gramian, alpha)

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(solve)
    import tensorflow as tf

    return tf.function(solve, jit_compile=True)


def solution(rows, alpha):
    gramian = keras.ops.convert_to_tensor(rows @ rows.T)
    return to_numpy(compiled(alpha)(gramian)).astype("float64")


def error(rows, alpha):
    weights = solution(rows, alpha)
    gains = (rows @ rows.T).astype("float64") @ weights
    return np.abs(gains * weights ** (1.0 / alpha) - 1.0).max()


@pytest.mark.parametrize("family", WELL_POSED)
@pytest.mark.parametrize("num_rows", [2, 5, 20, 64])
def test_bargain_solves_its_equations(num_rows, family):
    assert error(families(num_rows)[family], 1.0) <= 1e-4


@pytest.mark.parametrize("alpha", [0.1, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("num_rows", [2, 20])
@pytest.mark.parametrize(
    "family", ["1000 dimensions", "conflicting", "duplicates", "nearly alike"]
)
def test_other_powers_solve_their_equations(num_rows, family, alpha):
    assert error(families(num_rows)[family], alpha) <= 1e-4


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("scale", [1e-10, 1e10])
def test_scale_is_put_back(alpha, scale):
    rows = families(5)["conflicting"]
    order = -2.0 * alpha / (1.0 + alpha)
    np.testing.assert_allclose(
        solution(np.float32(scale) * rows, alpha),
        scale**order * solution(rows, alpha),
        rtol=1e-4,
    )


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize("num_rows", [2, 20])
@pytest.mark.parametrize("family", FAMILIES)
def test_answer_is_finite_and_positive(family, num_rows, alpha):
    rows = families(num_rows)[family]
    weights = solution(rows, alpha)
    assert np.isfinite(weights).all()
    has_weight = (rows != 0).any(axis=1)
    if alpha == 10.0 and family == "a row 1e8 times the rest":
        # A row that gains 1e6 times its share: 1e-60 is 0 in float32.
        has_weight[0] = weights[0] > 0
    np.testing.assert_array_equal(weights > 0, has_weight)


def test_one_row_by_hand():
    # 4 a = a ** (-1 / 2) for alpha = 2: a = 4 ** (-2 / 3).
    received = solution(np.array([[2.0]], "float32"), 2.0)
    np.testing.assert_allclose(received, 4 ** (-2 / 3), rtol=1e-5)
