"""GradDrop: which sign survives, and how often."""

import numpy as np
import pytest

from mtl_keras import balancing
from mtl_keras.balancing.step import FrontierTensor
from tests.test_case import to_numpy


def rows_of(size=200, seed=0):
    rows = np.random.default_rng(seed).normal(size=(4, size))
    return rows.astype("float32")


def on_parameters(**kwargs):
    return balancing.GradDrop(on="parameters", **kwargs)


def test_one_sign_survives_in_each_place():
    rows = rows_of()
    direction = to_numpy(on_parameters().combine(rows))
    positive = np.maximum(rows, 0).sum(axis=0)
    negative = np.minimum(rows, 0).sum(axis=0)
    is_positive = np.isclose(direction, positive, rtol=1e-5)
    is_negative = np.isclose(direction, negative, rtol=1e-5)
    assert (is_positive | is_negative).all()
    assert is_positive.any()
    assert is_negative.any()


def test_mean_over_draws_is_the_expected_value():
    rows = rows_of(8)
    balancer = on_parameters(seed=3)
    # Places and steps have draws of their own: 100 copies of each column.
    copies = np.tile(rows, 100)
    num_draws, total = 1000, 0.0
    for _ in range(10):
        direction = to_numpy(balancer.combine(copies)).astype("float64")
        total = total + direction.reshape(100, 8).sum(axis=0)
        balancer.update(jacobian=copies)
    positive = np.maximum(rows, 0).sum(axis=0)
    negative = np.minimum(rows, 0).sum(axis=0)
    purity = 0.5 * (1 + rows.sum(axis=0) / np.abs(rows).sum(axis=0))
    expected = purity * positive + (1 - purity) * negative
    # Of 8 means of a thousand draws, none is 4 standard errors away.
    error = np.sqrt(purity * (1 - purity) / num_draws) * (positive - negative)
    assert (np.abs(total / num_draws - expected) <= 4 * error).all()


def test_where_all_agree_nothing_is_dropped():
    rows = np.abs(rows_of())
    rows[:, ::2] *= -1
    for seed in range(5):
        np.testing.assert_allclose(
            to_numpy(on_parameters(seed=seed).combine(rows)),
            rows.sum(axis=0),
            rtol=1e-5,
        )


@pytest.mark.parametrize("leak", [0.3, 1.0])
def test_leak_lets_a_share_of_the_dropped_through(leak):
    rows = rows_of()
    kept = to_numpy(on_parameters().combine(rows))
    dropped = rows.sum(axis=0) - kept
    np.testing.assert_allclose(
        to_numpy(on_parameters(leak=leak).combine(rows)),
        kept + leak * dropped,
        rtol=1e-4,
        atol=1e-5,
    )


def test_draws_depend_on_seed_step_and_stream():
    rows = rows_of()
    first, second = on_parameters(), on_parameters()
    np.testing.assert_array_equal(
        to_numpy(first.combine(rows)), to_numpy(second.combine(rows))
    )
    second.update(jacobian=rows)
    later = to_numpy(second.combine(rows))
    assert (to_numpy(first.combine(rows)) != later).any()
    other = to_numpy(on_parameters(seed=1).combine(rows))
    assert (to_numpy(first.combine(rows)) != other).any()
    half = np.zeros(100, "float32"), np.ones(100, "float32")
    here = to_numpy(first.keeps_positive(*half))
    there = to_numpy(first.keeps_positive(*half, stream=1))
    assert (here != there).any()


def test_sign_is_drawn_by_purity():
    keeps = on_parameters().keeps_positive(
        np.array([1.0, -1.0, 0.0], "float32"), np.ones(3, "float32")
    )
    keeps = to_numpy(keeps)
    assert keeps.dtype == bool
    np.testing.assert_array_equal(keeps[:2], [True, False])


def test_examples_of_a_batch_share_one_sign_for_each_feature():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(6, 50)).astype("float32")
    gradients = rng.normal(size=(3, 6, 50)).astype("float32")
    tensor = FrontierTensor(values, list(gradients), (0,), lambda sums: sums)
    balancer = balancing.GradDrop(leak=0.25)
    (merged,) = balancer.combine_frontier([tensor], losses=[1.0, 1.0, 1.0])
    # Algorithm 1 of the paper: the sign of a task's gradient at a feature is
    # that of its sum over the batch, times the activations' signs.
    signed = (np.sign(values) * gradients).sum(axis=1)
    ends = []
    for wanted in (1.0, -1.0):
        kept = np.sign(signed) == wanted
        factors = np.where(kept, 1.0, 0.25)[:, None, :]
        ends.append((factors * gradients).sum(axis=0))
    is_positive, is_negative = (
        np.isclose(to_numpy(merged), end, rtol=1e-4, atol=1e-5).all(axis=0)
        for end in ends
    )
    assert (is_positive | is_negative).all()
    assert (is_positive & ~is_negative).any()
    assert (is_negative & ~is_positive).any()


def test_sums_over_replicas_decide_the_sign():
    values = np.ones((2, 1), "float32")
    gradients = [np.array([[1.0], [2.0]], "float32"), -values]
    # Elsewhere, every task's gradient is far below zero.
    elsewhere = FrontierTensor(
        values, gradients, (0,), lambda sums: [s - 100.0 for s in sums]
    )
    (merged,) = balancing.GradDrop().combine_frontier(
        [elsewhere], losses=[1.0, 1.0]
    )
    np.testing.assert_array_equal(to_numpy(merged), sum(gradients))


def test_features_are_the_default():
    assert balancing.GradDrop().on == "features"


@pytest.mark.parametrize("wrong", [{"leak": 1.1}, {"seed": 0.5}])
def test_hyperparameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`.*Received"):
        balancing.GradDrop(**wrong)
