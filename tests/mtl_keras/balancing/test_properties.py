"""What every balancer, or every one that says so, must hold to.

The names come from the registry: a new method is tested by being listed.
"""

import json

import keras
import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy

EVERY = balancing.list_balancers()


def conflicting(num_tasks=5, size=30, seed=0):
    """Rows of different lengths, most pairs of which conflict."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(num_tasks, size))
    rows = rows - 0.7 * rows.mean(axis=0)
    rows = rows * rng.uniform(0.3, 3.0, size=(num_tasks, 1))
    return rows.astype("float32")


def losses_of(num_tasks=5, seed=0):
    rng = np.random.default_rng(seed + 100)
    return rng.uniform(0.2, 4.0, num_tasks).astype("float32")


def combined(balancer, jacobian, losses, present=None):
    direction = balancer.combine(jacobian, losses=losses, present=present)
    return to_numpy(direction)


def advance(balancer, jacobian, losses, present=None, when=None):
    """Moves the state as a step does."""
    given = {"losses": losses, "present": present, "when": when}
    if balancer.levels == ("losses",):
        balancer.update(**given)
        return
    # In a step, the rows are those of losses that the heads have scaled.
    scales = balancer.head_weights(losses=losses, present=present)
    jacobian = to_numpy(scales)[:, None] * jacobian
    if isinstance(balancer, balancing.JacobianBalancer):
        balancer.update(jacobian=jacobian, **given)
    else:
        balancer.update(jacobian @ jacobian.T, **given)


def experienced(name, num_tasks=5, present=None, order=None):
    """A balancer after two steps and an epoch."""
    balancer = balancing.get(name)
    order = slice(None) if order is None else order
    for seed in (1, 2):
        jacobian = conflicting(num_tasks, seed=seed)[order]
        losses = losses_of(num_tasks, seed)[order]
        advance(balancer, jacobian, losses, present)
    balancer.on_epoch_end()
    return balancer


def state_of(balancer):
    return [to_numpy(variable) for variable in balancer.variables]


def assert_near(received, expected, tolerance):
    """Compares vectors by the length of their difference."""
    assert np.isfinite(received).all()
    length = np.linalg.norm(expected.astype("float64"))
    error = np.linalg.norm(received.astype("float64") - expected)
    assert error <= tolerance * length, f"{error} of {length}"


def unit(vector):
    vector = vector.astype("float64")
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("name", EVERY)
def test_direction_is_float32_of_the_size_of_a_row(name):
    direction = combined(balancing.get(name), conflicting(), losses_of())
    assert direction.shape == (30,)
    assert direction.dtype == np.float32


@pytest.mark.parametrize("name", balancing.list_balancers(scale_free=True))
@pytest.mark.parametrize("scale", [1e-10, 1e-5, 1e5, 1e10])
def test_direction_does_not_depend_on_scale(name, scale):
    jacobian, losses = conflicting(), losses_of()
    expected = combined(balancing.get(name), jacobian, losses)
    received = combined(
        balancing.get(name), np.float32(scale) * jacobian, losses
    )
    assert_near(unit(received), unit(expected), 1e-4)


@pytest.mark.parametrize("name", balancing.list_balancers(conflict_free=True))
@pytest.mark.parametrize("num_tasks", [2, 3, 8, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_direction_conflicts_with_no_task(name, num_tasks, seed):
    jacobian = conflicting(num_tasks, seed=seed)
    direction = combined(
        balancing.get(name), jacobian, losses_of(num_tasks, seed)
    )
    lengths = np.linalg.norm(jacobian, axis=1)
    assert np.linalg.norm(direction) > 0
    assert (jacobian / lengths[:, None] @ unit(direction)).min() >= -1e-4


@pytest.mark.parametrize("name", balancing.list_balancers(conflict_free=True))
def test_opposed_tasks_are_not_traded_for_each_other(name):
    jacobian = conflicting(3)
    jacobian[1] = -2.0 * jacobian[0]
    direction = combined(balancing.get(name), jacobian, losses_of(3))
    lengths = np.linalg.norm(jacobian, axis=1)
    products = jacobian / lengths[:, None] @ direction
    # The third task leaves room; without room a direction is near 0, so the
    # rows are the measure.
    assert products.min() >= -1e-4 * lengths.max()


@pytest.mark.parametrize("name", balancing.list_balancers(equivariant=True))
@pytest.mark.parametrize("steps", ["fresh", "experienced"])
def test_order_of_tasks_does_not_matter(name, steps):
    jacobian, losses = conflicting(), losses_of()
    order = np.array([3, 0, 4, 1, 2])
    if steps == "fresh":
        plain, other = balancing.get(name), balancing.get(name)
    else:
        plain, other = experienced(name), experienced(name, order=order)
    expected = combined(plain, jacobian, losses)
    received = combined(other, jacobian[order], losses[order])
    assert_near(received, expected, 1e-4)


def degenerate(kind):
    if kind == "one row":
        return conflicting(1)
    if kind == "64 rows":
        return conflicting(64)
    jacobian = conflicting(4)
    if kind == "zero row":
        jacobian[2] = 0.0
    elif kind == "duplicate rows":
        jacobian[2] = jacobian[0]
    elif kind == "antiparallel rows":
        jacobian[2] = -jacobian[0]
    elif kind == "only antiparallel rows":
        jacobian = np.stack([jacobian[0], -jacobian[0]])
    elif kind == "all zeros":
        jacobian[:] = 0.0
    elif kind == "large row":
        jacobian[2] *= 1e8
    elif kind == "small row":
        jacobian[2] *= 1e-8
    return jacobian


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    "kind",
    [
        "zero row",
        "duplicate rows",
        "antiparallel rows",
        "only antiparallel rows",
        "all zeros",
        "one row",
        "64 rows",
        "large row",
        "small row",
    ],
)
def test_degenerate_gradients_give_finite_answers(name, kind):
    jacobian = degenerate(kind)
    losses = losses_of(len(jacobian))
    balancer = balancing.get(name)
    for _ in range(3):
        direction = combined(balancer, jacobian, losses)
        assert np.isfinite(direction).all()
        if kind == "all zeros":
            np.testing.assert_array_equal(direction, 0)
        advance(balancer, jacobian, losses)
        assert all(np.isfinite(value).all() for value in state_of(balancer))
    # What degenerated leaves no mark on a sound step.
    jacobian = conflicting(len(jacobian), seed=5)
    assert np.isfinite(combined(balancer, jacobian, losses)).all()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("losses", [[0.0, 0.0], [0.0, 1.0], [1e-15, 1e15]])
def test_extreme_losses_give_finite_answers(name, losses):
    jacobian = 1e-6 * conflicting(2)
    balancer = balancing.get(name)
    for _ in range(2):
        assert np.isfinite(combined(balancer, jacobian, losses)).all()
        advance(balancer, jacobian, losses)
        assert all(np.isfinite(value).all() for value in state_of(balancer))
        balancer.on_epoch_end()


@pytest.mark.parametrize("name", EVERY)
def test_combine_and_weights_are_pure(name):
    balancer = experienced(name)
    before = state_of(balancer)
    jacobian, losses = conflicting(), losses_of()
    first = combined(balancer, jacobian, losses)
    if not isinstance(balancer, balancing.JacobianBalancer):
        balancer.weights(jacobian @ jacobian.T, losses)
    balancer.head_weights(losses=losses)
    np.testing.assert_array_equal(combined(balancer, jacobian, losses), first)
    after = state_of(balancer)
    assert len(after) == len(before)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("name", EVERY)
def test_config_makes_the_same_balancer(name):
    balancer = balancing.get(name)
    config = keras.saving.serialize_keras_object(balancer)
    restored = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert type(restored) is type(balancer)
    assert restored.get_config() == balancer.get_config()
    np.testing.assert_array_equal(
        combined(restored, conflicting(), losses_of()),
        combined(balancer, conflicting(), losses_of()),
    )


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("absent", [0, 2, 4])
def test_absent_task_changes_nothing_for_the_others(name, absent):
    others = np.arange(5) != absent
    present = others.astype("float32")
    jacobian, losses = conflicting(), losses_of()
    # What stands in an absent task's place means nothing.
    losses[absent] = np.nan
    with_absent = experienced(name, present=present)
    received = combined(with_absent, jacobian, losses, present)
    alone = balancing.get(name)
    for seed in (1, 2):
        rows, values = conflicting(seed=seed), losses_of(seed=seed)
        advance(alone, rows[others], values[others])
    alone.on_epoch_end()
    expected = combined(alone, jacobian[others], losses[others])
    assert_near(received, expected, 1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_without_any_task_there_is_no_direction(name):
    balancer = experienced(name, present=np.zeros(5, "float32"))
    assert all(np.isfinite(value).all() for value in state_of(balancer))
    direction = combined(
        balancer, conflicting(), losses_of(), np.zeros(5, "float32")
    )
    np.testing.assert_array_equal(direction, 0)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["losses", "gradients"])
def test_step_that_is_not_finite_leaves_the_state(name, value, where):
    balancer = experienced(name)
    if where == "gradients" and balancer.levels == ("losses",):
        # Such a step passes no gradients.
        return
    jacobian, losses = conflicting(), losses_of()
    if where == "losses":
        losses[1] = value
    else:
        jacobian[1, 3] = value
    before = state_of(balancer)
    advance(balancer, jacobian, losses)
    for old, new in zip(before, state_of(balancer), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("name", EVERY)
def test_update_waits_for_when(name):
    balancer = experienced(name)
    before = state_of(balancer)
    when = keras.ops.convert_to_tensor(False)
    advance(balancer, conflicting(), losses_of(), when=when)
    for old, new in zip(before, state_of(balancer), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("name", EVERY)
def test_compiled_answer_is_the_eager_one(name):
    balancer = experienced(name)
    jacobian, losses = conflicting(), losses_of()
    expected = combined(balancer, jacobian, losses)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(balancer.combine, jit_compile=True)
    else:
        import jax

        compiled = jax.jit(balancer.combine)
    received = compiled(
        keras.ops.convert_to_tensor(jacobian),
        losses=keras.ops.convert_to_tensor(losses),
    )
    assert_near(to_numpy(received), expected, 1e-5)
