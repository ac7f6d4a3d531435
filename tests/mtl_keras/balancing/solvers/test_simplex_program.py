"""The program on the simplex: its conditions of optimality."""

import numpy as np
import pytest
from keras import ops

from mtl_keras.balancing.solvers.simplex_program import minimum
from tests.mtl_keras.balancing.compiled import compiled
from tests.mtl_keras.balancing.rows import cosines, families
from tests.test_case import to_numpy


@pytest.mark.parametrize("count", [2, 8, 64])
def test_solution_meets_the_conditions_of_optimality(count):
    size = count + 1
    on_simplex = np.arange(size) < count
    solve = compiled(lambda *given: minimum(*given[:2], on_simplex, given[2]))
    for family, rows in families(size).items():
        if len(rows) != size:
            continue
        matrix, _ = cosines(rows)
        for pull in (0.0, 0.3):
            linear = np.append(np.zeros(count), -pull)
            x = to_numpy(
                solve(
                    ops.convert_to_tensor(matrix.astype("float32")),
                    ops.convert_to_tensor(linear.astype("float32")),
                    ops.convert_to_tensor(np.ones(size, bool)),
                )
            ).astype("float64")
            slope = matrix @ x + linear
            assert x.min() >= 0, family
            np.testing.assert_allclose(x[:-1].sum(), 1, rtol=1e-6)
            gap = x[:-1] @ slope[:-1] - slope[:-1].min()
            assert gap <= 1e-5, family
            assert slope[-1] >= -1e-5, family
            assert x[-1] * slope[-1] <= 1e-5, family


def test_entries_that_take_no_part_are_zero():
    rows = np.random.default_rng(0).normal(size=(4, 6))
    matrix, _ = cosines(rows.astype("float32"))
    part = np.array([True, False, True, False])
    solve = compiled(
        lambda matrix, linear, part: minimum(
            matrix, linear, np.arange(4) < 3, part
        )
    )
    linear = np.array([0.2, -9.0, 0.0, -9.0], "float32")
    given = [matrix.astype("float32"), linear, part]
    x = to_numpy(solve(*map(ops.convert_to_tensor, given)))
    cosine = matrix[0, 2]
    # Of two entries: the slope along their difference is 0.
    first = np.clip((1 - cosine - 0.2) / (2 - 2 * cosine), 0, 1)
    np.testing.assert_allclose(x, [first, 0, 1 - first, 0], atol=1e-5)
    nobody = to_numpy(
        solve(*map(ops.convert_to_tensor, [*given[:2], np.zeros(4, bool)]))
    )
    np.testing.assert_array_equal(nobody, 0)
