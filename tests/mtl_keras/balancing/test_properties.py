"""What every balancer, or every one that says so, must hold to.

The names come from the registry: a new method is tested by being listed.
"""

import functools
import json

import keras
import numpy as np
import pytest
from keras import ops

from mtl_keras import balancing
from tests.test_case import to_numpy

EVERY = balancing.list_balancers()
SIZE = 30


def compiled(function, **kwargs):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, **kwargs)
    import jax

    return jax.jit(function)


class Subject:
    """A balancer as a function of its state, compiled once for all tests."""

    def __init__(self, name, num_tasks):
        balancer = balancing.get(name)
        self.tasks = [f"task_{k:02d}" for k in range(num_tasks)]
        if isinstance(balancer, balancing.JacobianBalancer):
            balancer.bind(self.tasks, SIZE)
        else:
            balancer.bind(self.tasks)
        self.balancer = balancer
        self.first_state = [to_numpy(v) for v in balancer.variables]
        self._combine = compiled(self._combine_with)
        self._advance = compiled(self._advance_with)

    def combine(self, state, jacobian, losses, present=None):
        given = self._given(jacobian, losses, present)
        return to_numpy(self._combine(self._tensors(state), *given))

    def advance(self, state, jacobian, losses, present=None, when=True):
        given = self._given(jacobian, losses, present)
        when = ops.convert_to_tensor(when)
        new = self._advance(self._tensors(state), *given, when)
        return [to_numpy(value) for value in new]

    def end_epoch(self, state):
        with self._scope(self._tensors(state)) as scope:
            self.balancer.on_epoch_end()
        return [to_numpy(value) for value in self._state_in(scope)]

    def _combine_with(self, state, jacobian, losses, present):
        with self._scope(state):
            return self.balancer.combine(jacobian, losses, present)

    def _advance_with(self, state, jacobian, losses, present, when):
        with self._scope(state) as scope:
            given = {"losses": losses, "present": present, "when": when}
            if self.balancer.levels == ("losses",):
                self.balancer.update(**given)
                return self._state_in(scope)
            # In a step, the rows are those of losses that the heads scaled.
            scales = self.balancer.head_weights(losses, present)
            rows = scales[:, None] * jacobian
            if isinstance(self.balancer, balancing.JacobianBalancer):
                self.balancer.update(jacobian=rows, **given)
            else:
                gramian = ops.matmul(rows, ops.transpose(rows))
                self.balancer.update(gramian, **given)
            return self._state_in(scope)

    def _scope(self, state):
        pairs = zip(self.balancer.variables, state, strict=True)
        return keras.StatelessScope(state_mapping=list(pairs))

    def _state_in(self, scope):
        return [scope.get_current_value(v) for v in self.balancer.variables]

    def _tensors(self, state):
        return [
            ops.convert_to_tensor(value, dtype=variable.dtype)
            for value, variable in zip(
                state, self.balancer.variables, strict=True
            )
        ]

    def _given(self, jacobian, losses, present):
        if present is None:
            present = np.ones(len(losses), "float32")
        return [
            ops.convert_to_tensor(value, dtype="float32")
            for value in (jacobian, losses, present)
        ]


@functools.cache
def subject(name, num_tasks=5):
    return Subject(name, num_tasks)


def conflicting(num_tasks=5, size=SIZE, seed=0):
    """Rows of different lengths, most pairs of which conflict."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(num_tasks, size))
    rows = rows - 0.7 * rows.mean(axis=0)
    rows = rows * rng.uniform(0.3, 3.0, size=(num_tasks, 1))
    return rows.astype("float32")


def losses_of(num_tasks=5, seed=0):
    rng = np.random.default_rng(seed + 100)
    return rng.uniform(0.2, 4.0, num_tasks).astype("float32")


def experienced(name, rows=slice(None), present=None, num_tasks=5):
    """The state after two steps and an epoch, of all tasks or these rows."""
    one = subject(name, num_tasks)
    state = one.first_state
    for seed in (1, 2):
        jacobian = conflicting(seed=seed)[rows]
        losses = losses_of(seed=seed)[rows]
        state = one.advance(state, jacobian, losses, present)
    return one.end_epoch(state)


def assert_finite(values):
    for value in values:
        assert np.isfinite(value).all()


def assert_equal(received, expected):
    for new, old in zip(received, expected, strict=True):
        np.testing.assert_array_equal(new, old)


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
def test_combine_is_pure_and_takes_numpy_without_a_model(name):
    jacobian, losses = conflicting(), losses_of()
    balancer = balancing.get(name)
    first, second = (to_numpy(balancer.combine(jacobian, losses)) for _ in "ab")
    assert first.shape == (SIZE,)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, second)
    expected = subject(name).combine(
        subject(name).first_state, jacobian, losses
    )
    assert_near(first, expected, 1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_only_update_moves_the_state(name):
    one = subject(name)
    state = experienced(name)
    jacobian, losses = conflicting(), losses_of()
    with one._scope(one._tensors(state)) as scope:
        one.balancer.combine(jacobian, losses)
        one.balancer.head_weights(losses)
        if not isinstance(one.balancer, balancing.JacobianBalancer):
            one.balancer.weights(jacobian @ jacobian.T, losses)
        after = [to_numpy(value) for value in one._state_in(scope)]
    assert_equal(after, state)


@pytest.mark.sampled
@pytest.mark.parametrize("name", EVERY)
def test_xla_gives_the_same_answer(name):
    one = subject(name)
    given = one._given(conflicting(), losses_of(), None)
    state = experienced(name)
    run = compiled(one._combine_with, jit_compile=True)
    received = to_numpy(run(one._tensors(state), *given))
    assert_near(received, one.combine(state, *given), 1e-5)


@pytest.mark.parametrize("name", balancing.list_balancers(scale_free=True))
@pytest.mark.parametrize("scale", [1e-10, 1e-5, 1e5, 1e10])
def test_direction_does_not_depend_on_scale(name, scale):
    one = subject(name)
    jacobian, losses = conflicting(), losses_of()
    expected = one.combine(one.first_state, jacobian, losses)
    received = one.combine(one.first_state, scale * jacobian, losses)
    assert_near(unit(received), unit(expected), 1e-4)


@pytest.mark.parametrize("name", balancing.list_balancers(conflict_free=True))
@pytest.mark.parametrize("num_tasks", [2, 5, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_direction_conflicts_with_no_task(name, num_tasks, seed):
    one = subject(name, num_tasks)
    jacobian = conflicting(num_tasks, seed=seed)
    direction = one.combine(
        one.first_state, jacobian, losses_of(num_tasks, seed)
    )
    lengths = np.linalg.norm(jacobian, axis=1)
    assert np.linalg.norm(direction) > 0
    assert (jacobian / lengths[:, None] @ unit(direction)).min() >= -1e-4


@pytest.mark.parametrize("name", balancing.list_balancers(conflict_free=True))
def test_opposed_tasks_are_not_traded_for_each_other(name):
    one = subject(name)
    jacobian = conflicting()
    jacobian[1] = -2.0 * jacobian[0]
    direction = one.combine(one.first_state, jacobian, losses_of())
    lengths = np.linalg.norm(jacobian, axis=1)
    # A direction may be near 0 here, so the rows are the measure.
    products = jacobian / lengths[:, None] @ direction
    assert products.min() >= -1e-4 * lengths.max()


@pytest.mark.parametrize("name", balancing.list_balancers(equivariant=True))
@pytest.mark.parametrize("is_new", [True, False])
def test_order_of_tasks_does_not_matter(name, is_new):
    one = subject(name)
    jacobian, losses = conflicting(), losses_of()
    order = np.array([3, 0, 4, 1, 2])
    plain = one.first_state if is_new else experienced(name)
    other = one.first_state if is_new else experienced(name, order)
    expected = one.combine(plain, jacobian, losses)
    received = one.combine(other, jacobian[order], losses[order])
    assert_near(received, expected, 1e-4)


def degenerate(kind):
    if kind == "one row":
        return conflicting(1)
    if kind == "64 rows":
        return conflicting(64)
    jacobian = conflicting()
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
    one = subject(name, len(jacobian))
    state = one.first_state
    for _ in range(3):
        direction = one.combine(state, jacobian, losses)
        assert np.isfinite(direction).all()
        if kind == "all zeros":
            np.testing.assert_array_equal(direction, 0)
        state = one.advance(state, jacobian, losses)
        assert_finite(state)
    # What degenerated does not spoil a sound step.
    sound = conflicting(len(jacobian), seed=5)
    assert np.isfinite(one.combine(state, sound, losses)).all()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("losses", [[0.0, 0.0], [0.0, 1.0], [1e-15, 1e15]])
def test_extreme_losses_give_finite_answers(name, losses):
    jacobian = 1e-6 * conflicting(2)
    one = subject(name, 2)
    state = one.first_state
    for _ in range(2):
        assert np.isfinite(one.combine(state, jacobian, losses)).all()
        state = one.end_epoch(one.advance(state, jacobian, losses))
        assert_finite(state)


@pytest.mark.parametrize("name", EVERY)
def test_config_makes_the_same_balancer(name):
    balancer = balancing.get(name)
    config = keras.saving.serialize_keras_object(balancer)
    restored = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert type(restored) is type(balancer)
    assert restored.get_config() == balancer.get_config()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("absent", [0, 2, 4])
def test_absent_task_changes_nothing_for_the_others(name, absent):
    others = np.arange(5) != absent
    present = others.astype("float32")
    jacobian, losses = conflicting(), losses_of()
    # What stands in an absent task's place means nothing.
    losses[absent] = np.nan
    state = experienced(name, present=present)
    received = subject(name).combine(state, jacobian, losses, present)
    alone = experienced(name, others, num_tasks=4)
    expected = subject(name, 4).combine(alone, jacobian[others], losses[others])
    assert_near(received, expected, 1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_without_any_task_there_is_no_direction(name):
    nobody = np.zeros(5, "float32")
    state = experienced(name, present=nobody)
    assert_finite(state)
    direction = subject(name).combine(state, conflicting(), losses_of(), nobody)
    np.testing.assert_array_equal(direction, 0)


def broken(where, value):
    jacobian, losses = conflicting(), losses_of()
    if where == "losses":
        losses[1] = value
    else:
        jacobian[1, 3] = value
    return jacobian, losses


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_losses_that_are_not_finite_leave_the_state(name, value):
    state = experienced(name)
    after = subject(name).advance(state, *broken("losses", value))
    assert_equal(after, state)


@pytest.mark.parametrize(
    "name",
    [n for n in EVERY if n not in balancing.list_balancers(level="losses")],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_gradients_that_are_not_finite_leave_the_state(name, value):
    state = experienced(name)
    after = subject(name).advance(state, *broken("gradients", value))
    assert_equal(after, state)


@pytest.mark.parametrize("name", EVERY)
def test_update_waits_for_when(name):
    state = experienced(name)
    after = subject(name).advance(state, conflicting(), losses_of(), when=False)
    assert_equal(after, state)
