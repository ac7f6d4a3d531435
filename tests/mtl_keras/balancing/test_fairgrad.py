"""FairGrad: its equations, and what alpha trades."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 5.0])
def test_equations_hold(alpha):
    rows = families(8)["conflicting"]
    gramian = rows @ rows.T
    weights = to_numpy(balancing.FairGrad(alpha).weights(gramian))
    weights = weights.astype("float64")
    gains = gramian.astype("float64") @ weights
    np.testing.assert_allclose(gains * weights ** (1 / alpha), 1, rtol=1e-4)


def test_orthogonal_rows_by_hand():
    # |g|^2 a = a ** (-1 / 2): a = |g| ** (-4 / 3).
    rows = np.diag([8.0, 1.0, 0.125]).astype("float32")
    weights = to_numpy(balancing.FairGrad(2.0).weights(rows @ rows.T))
    np.testing.assert_allclose(weights, [1 / 16, 1.0, 16.0], rtol=1e-5)


def test_greater_alpha_favours_the_worst_gain():
    rows = families(5)["conflicting"] * np.array([[9], [1], [1], [1], [0.1]])
    rows = rows.astype("float32")
    worst = []
    for alpha in (0.5, 1.0, 2.0, 5.0):
        direction = to_numpy(balancing.FairGrad(alpha).combine(rows))
        direction = direction / np.linalg.norm(direction)
        worst.append((rows @ direction).min())
    assert worst == sorted(worst)


@pytest.mark.parametrize("alpha", [0, -1, 11, float("nan"), "2"])
def test_alpha_has_a_range(alpha):
    with pytest.raises(ValueError, match="alpha"):
        balancing.FairGrad(alpha)
