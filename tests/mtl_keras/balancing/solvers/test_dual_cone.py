"""The dual cone: its conditions, and SciPy's non-negative least squares."""

import functools

import keras
import numpy as np
import pytest
from scipy.optimize import nnls

from mtl_keras.balancing.solvers import dual_cone
from mtl_keras.balancing.solvers.unit_rows import unit_rows
from tests.mtl_keras.balancing.rows import FAMILIES, cosines, families
from tests.test_case import to_numpy


@functools.cache
def compiled():
    def project(gramian):
        unit = unit_rows(gramian)[0]
        every = np.eye(gramian.shape[0], dtype="float32")
        return dual_cone.project(unit, every)

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(project)
    import tensorflow as tf

    return tf.function(project, jit_compile=True)


def projections(rows):
    gramian = keras.ops.convert_to_tensor(rows @ rows.T)
    return to_numpy(compiled()(gramian)).astype("float64")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("num_rows", [2, 3, 8, 20, 64])
def test_projections_meet_their_conditions(num_rows, family):
    rows = families(num_rows)[family]
    projected = projections(rows)
    unit, _ = cosines(rows)
    products, extra = projected @ unit, projected - np.eye(len(rows))
    assert products.min() >= -1e-5
    assert extra.min() >= 0
    # Of each pair one is zero.
    assert np.minimum(products, extra).max() <= 1e-5


@pytest.mark.parametrize("num_rows", [10, 20, 40, 64])
@pytest.mark.parametrize("seed", range(3))
def test_cones_with_hardly_any_room(num_rows, seed):
    # Half as many dimensions as rows: the cone just so exists, or does not
    # (Wendel, 1962), and coefficients grow.
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(num_rows, num_rows // 2)).astype("float32")
    projected = projections(rows)
    unit, _ = cosines(rows)
    products, extra = projected @ unit, projected - np.eye(num_rows)
    error = np.abs(np.minimum(products, extra)).max()
    assert error <= 1e-5 * max(1.0, 0.1 * projected.max())


@pytest.mark.parametrize(
    "family",
    [
        "as many dimensions",
        "2 dimensions more",
        "1000 dimensions",
        "conflicting",
    ],
)
def test_projections_are_those_of_scipy(family):
    rows = families(20)[family]
    unit_row = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    projected = projections(rows) @ unit_row.astype("float64")
    for row, received in zip(unit_row, projected, strict=True):
        extra, _ = nnls(unit_row.T.astype("float64"), -row.astype("float64"))
        expected = row + extra @ unit_row
        np.testing.assert_allclose(received, expected, atol=2e-5)


def test_two_rows_by_hand():
    # (1, 0) loses its part along (-0.6, 0.8): 0.6 of it.
    rows = np.array([[1.0, 0.0], [-0.6, 0.8]], "float32")
    np.testing.assert_allclose(
        projections(rows), [[1.0, 0.6], [0.6, 1.0]], rtol=1e-5
    )


def test_a_wish_of_any_length():
    unit = np.array([[1.0, -0.6], [-0.6, 1.0]], "float32")
    for factor in (1e-20, 1.0, 1e20):
        wanted = np.float32(factor) * np.array([[1.0, 0.0]], "float32")
        projected = to_numpy(dual_cone.project(unit, wanted))
        np.testing.assert_allclose(projected / factor, [[1, 0.6]], rtol=1e-5)


def test_what_is_rounding_is_set_to_zero():
    unit = np.array([[1.0, -1.0], [-1.0, 1.0]], "float32")
    projected = dual_cone.project(unit, np.eye(2, dtype="float32"))
    np.testing.assert_array_equal(
        to_numpy(dual_cone.without_rounding(unit, projected)), 0
    )
