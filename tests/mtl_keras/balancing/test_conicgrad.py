"""ConicGrad: against the dual problem, solved by SciPy in float64."""

import numpy as np
import pytest
import scipy.optimize

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

# Two rows in one dimension, or opposite ones, may leave no mean.
FAMILIES = (
    "3 dimensions",
    "1000 dimensions",
    "conflicting",
    "nearly alike",
    "opposite pair",
    "a row 1e8 times the rest",
    "lengths of all kinds",
)


def best_worst_gain(rows, c):
    """The greatest least product, as the least support function of the cone.

    Of a combination `g` of the rows, the best direction of the cone is along
    `g`, or on the cone's surface.
    """
    lengths = np.linalg.norm(rows, axis=1)
    mean = rows.mean(axis=0)
    axis = mean / np.linalg.norm(mean)
    scales = lengths.min() / lengths

    def support(weights):
        g = weights @ (rows / lengths[:, None])
        along = g @ axis
        across = np.linalg.norm(g - along * axis)
        if along >= c * np.hypot(along, across):
            return np.hypot(along, across)
        return c * along + np.sqrt(1 - c * c) * across

    values = []
    for seed in range(2):
        start = np.random.default_rng(seed).dirichlet(np.ones(len(rows)))
        result = scipy.optimize.minimize(
            support,
            start / (start @ scales),
            bounds=[(0, None)] * len(rows),
            constraints={"type": "eq", "fun": lambda w: w @ scales - 1},
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-14},
        )
        values.append(result.fun)
    return min(values) * np.linalg.norm(mean) * lengths.min()


@pytest.mark.sampled
@pytest.mark.parametrize(("num_rows", "c"), [(2, 0.2), (6, 0.2), (6, 0.9)])
def test_worst_gain_is_the_best_in_the_cone(num_rows, c):
    balancer = balancing.ConicGrad(c=c)
    for name in FAMILIES:
        rows = families(num_rows)[name]
        mean = rows.astype("float64").mean(axis=0)
        length = np.linalg.norm(mean)
        if length < 1e-3 * np.linalg.norm(rows, axis=1).mean():
            continue
        direction = to_numpy(balancer.combine(rows)).astype("float64")
        own = np.linalg.norm(direction)
        assert direction @ mean >= (c - 1e-3) * own * length, name
        assert own <= 1.002 * length, name
        unit = length * np.linalg.norm(rows, axis=1).min()
        received = (rows.astype("float64") @ direction).min() / unit
        expected = best_worst_gain(rows.astype("float64"), c) / unit
        assert received >= expected - 5e-3, name
        if expected > 0.05:
            np.testing.assert_allclose(own, length, rtol=1e-3, err_msg=name)


def test_narrow_cone_is_the_mean_and_one_row_is_itself():
    rows = families(5)["conflicting"]
    direction = to_numpy(balancing.ConicGrad(c=0.99999).combine(rows))
    mean = rows.mean(axis=0)
    assert np.linalg.norm(direction - mean) < 0.01 * np.linalg.norm(mean)
    row = rows[:1]
    np.testing.assert_allclose(
        to_numpy(balancing.ConicGrad().combine(row)), row[0], rtol=1e-3
    )


def test_two_rows_worked_by_hand():
    # The mean is (1, 0); both rows gain most along it, half as much at most
    # by going to either side, so the direction is the mean.
    rows = np.array([[1.0, 2.0], [1.0, -2.0]], "float32")
    direction = to_numpy(balancing.ConicGrad(c=0.5).combine(rows))
    np.testing.assert_allclose(direction, [1.0, 0.0], atol=2e-3)
    # The mean (1, 1) hurts nobody, but the second row gains only if the
    # direction turns towards it, as far as 60 degrees from the mean.
    rows = np.array([[2.1, 2.1], [-0.1, -0.1 + 0.02]], "float32")
    direction = to_numpy(balancing.ConicGrad(c=0.5).combine(rows))
    mean = rows.mean(axis=0)
    cosine = direction @ mean / np.linalg.norm(direction)
    np.testing.assert_allclose(cosine / np.linalg.norm(mean), 0.5, atol=2e-3)


def test_preference_moves_the_axis():
    balancer = balancing.ConicGrad(c=0.95, preference={"a": 9.0, "b": 1.0})
    rows = np.eye(2, dtype="float32")
    direction = to_numpy(balancer.combine(rows))
    axis = np.array([9.0, 1.0]) / np.sqrt(82)
    cosine = direction @ axis / np.linalg.norm(direction)
    np.testing.assert_allclose(cosine, 0.95, atol=1e-3)
    np.testing.assert_allclose(
        np.linalg.norm(direction), np.sqrt(82) / 10, rtol=1e-3
    )


@pytest.mark.parametrize("c", [0.0, 1.0, -0.5])
def test_hyperparameters_out_of_range(c):
    with pytest.raises(ValueError, match="`c`.*Received"):
        balancing.ConicGrad(c=c)
