"""PCD: against its quadratic program, solved by SciPy in float64."""

import numpy as np
import pytest
import scipy.optimize

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


def nearest(rows, primary, tau):
    """The direction nearest to the primary row that meets the constraints.

    By its multipliers: non-negative least squares of the bounds' dual.
    """
    others = np.delete(rows, primary, axis=0)
    short = tau * np.sum(others**2, axis=1) - others @ rows[primary]
    gramian = others @ others.T

    def dual(mu):
        return mu @ gramian @ mu / 2 - short @ mu, gramian @ mu - short

    result = scipy.optimize.minimize(
        dual,
        np.zeros(len(others)),
        jac=True,
        bounds=[(0, None)] * len(others),
        method="L-BFGS-B",
        options={"maxiter": 20000, "ftol": 1e-16, "gtol": 1e-10},
    )
    return rows[primary] + result.x @ others


@pytest.mark.parametrize("tau", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("num_rows", [2, 3, 8])
def test_direction_is_the_solution_of_the_program(num_rows, tau):
    balancer = balancing.PCD(primary="task_1", tau=tau)
    balancer.bind([f"task_{k}" for k in range(num_rows)])
    for name in ("1000 dimensions", "conflicting", "lengths of all kinds"):
        rows = families(num_rows)[name].astype("float64")
        lengths = np.linalg.norm(rows, axis=1)
        # In the first step each row is as long as usual.
        expected = nearest(rows / lengths[:, None], 1, tau)
        expected *= lengths[1] / np.linalg.norm(expected)
        received = to_numpy(balancer.combine(rows))
        error = np.linalg.norm(received - expected)
        assert error <= 2e-3 * lengths[1], name


def test_two_tasks_by_the_closed_form_over_steps():
    """The papers' K = 2: only what the auxiliary task lacks is added."""
    beta, tau = 0.9, 0.3
    balancer = balancing.PCD(tau=tau, beta=beta)
    rng = np.random.default_rng(0)
    squares = np.zeros(2)
    for t in range(1, 6):
        rows = rng.normal(size=(2, 5)) * np.array([[3.0], [0.1 * t]])
        squares = beta * squares + (1 - beta) * np.sum(rows**2, axis=1)
        first, second = rows / np.sqrt(squares / (1 - beta**t))[:, None]
        lack = tau - second @ first / (second @ second)
        d = first + max(lack, 0.0) * second
        d *= np.linalg.norm(rows[0]) / np.linalg.norm(d)
        received = to_numpy(balancer.combine(rows))
        np.testing.assert_allclose(received, d, rtol=1e-3, atol=1e-4)
        balancer.update(rows @ rows.T)


def test_auxiliary_tasks_that_progress_change_nothing():
    rows = np.array([[1.0, 0.2], [0.0, 3.0], [2.0, 1.0]], "float32")
    received = to_numpy(balancing.PCD(tau=0.1).combine(rows))
    np.testing.assert_allclose(received, rows[0], rtol=1e-5)


def test_impossible_constraints_are_dropped():
    rows = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, -1.0]], "float32")
    received = to_numpy(balancing.PCD(tau=0.02).combine(rows))
    np.testing.assert_allclose(received, rows[0], rtol=1e-5)
    # Without a fraction to keep they can be met: neither gains.
    received = to_numpy(balancing.PCD(tau=0.0).combine(rows))
    np.testing.assert_allclose(received, [np.sqrt(2), 0.0], atol=2e-3)


def test_opposite_of_the_primary_task():
    rows = np.array([[1.0, 0.0], [-1.0, 0.0]], "float32")
    np.testing.assert_array_equal(
        to_numpy(balancing.PCD(tau=0.0).combine(rows)), 0
    )
    received = to_numpy(balancing.PCD(tau=1.0).combine(rows))
    np.testing.assert_allclose(received, [-1.0, 0.0], atol=1e-5)


def test_absent_primary_task_has_a_stand_in():
    rows = families(3)["conflicting"]
    balancer = balancing.PCD(primary="b")
    balancer.bind(("a", "b", "c"))
    received = to_numpy(balancer.combine(rows, present=[1, 0, 1]))
    expected = balancing.PCD().combine(rows[[0, 2]])
    np.testing.assert_allclose(received, to_numpy(expected), rtol=1e-4)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`primary` names.*mean 'box'"):
        balancing.PCD(primary="bok").bind(("box", "cls"))
    for wrong in ({"primary": 1}, {"tau": 1.5}, {"beta": 1.0}):
        with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
            balancing.PCD(**wrong)
