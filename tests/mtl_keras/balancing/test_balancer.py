"""Balancers: pure functions, NumPy in, and their way through a file."""

import json

import keras
import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy

LOSSES = np.array([1.0, 2.0, 3.0], "float32")
JACOBIAN = np.random.default_rng(0).normal(size=(3, 7)).astype("float32")
BALANCERS = [
    balancing.Equal(),
    balancing.Static(0.5),
    balancing.Static({"a": 1.0, "b": 0.0, "c": 2.5}),
]


@pytest.mark.parametrize("name", balancing.list_balancers())
def test_one_kind_of_balancer_and_its_contract(name):
    """Each weighs or merges, not both, and of one task makes its gradient."""
    balancer = balancing.get(name)
    merges = isinstance(balancer, balancing.JacobianBalancer)
    weighs = isinstance(balancer, balancing.WeightingBalancer)
    assert merges != weighs
    assert balancer.is_weighting == weighs == hasattr(balancer, "weights")
    assert balancer.on == balancer.levels[0]
    assert balancer.reads_gradients == (balancer.levels != ("losses",))
    direction = to_numpy(balancer.combine(JACOBIAN[:1], losses=[2.0]))
    cosine = direction @ JACOBIAN[0] / np.linalg.norm(JACOBIAN[0])
    assert cosine == pytest.approx(np.linalg.norm(direction), rel=1e-5)
    assert cosine > 0


def test_merging_is_for_the_levels_that_a_method_implements():
    class Parameters(balancing.JacobianBalancer):
        levels = ("parameters", "features")

        def _merge(self, step):
            return step.jacobian[0]

    balancer = Parameters(on="features")
    with pytest.raises(NotImplementedError, match="_merge_frontier"):
        balancer.combine_frontier([], losses=LOSSES)


def test_step_hides_absent_tasks_from_a_method():
    class Records(balancing.GradientBalancer):
        def _weigh(self, step):
            self.step = step
            return step.present + 1.0

    balancer = Records()
    weights = balancer.weights(JACOBIAN @ JACOBIAN.T, LOSSES, [1, 0, 1])
    np.testing.assert_array_equal(to_numpy(weights), [2, 0, 2])
    step = balancer.step
    assert step.num_tasks == 3
    np.testing.assert_array_equal(to_numpy(step.losses), [1, 0, 3])
    gramian = to_numpy(step.gramian)
    assert not gramian[1].any() and not gramian[:, 1].any()
    np.testing.assert_allclose(
        gramian[::2, ::2], (JACOBIAN @ JACOBIAN.T)[::2, ::2], rtol=1e-6
    )
    assert step.jacobian is None and step.state == {}


def test_get_reads_what_compile_takes():
    assert isinstance(balancing.get(None), balancing.Equal)
    assert balancing.get(2).task_weights == 2.0
    assert balancing.get(np.float32(2)).task_weights == 2.0
    assert balancing.get({"a": np.float32(2)}).task_weights == {"a": 2.0}
    assert balancing.get("static", task_weights=3.0).task_weights == 3.0
    balancer = balancing.Equal()
    assert balancing.get(balancer) is balancer


def test_hyperparameters_need_a_name():
    with pytest.raises(TypeError, match="go with a balancer's name"):
        balancing.get(2.0, c=0.5)


@pytest.mark.parametrize(
    "balancer", BALANCERS, ids=lambda b: str(b.get_config())
)
def test_weights_are_pure_and_take_numpy(balancer):
    first, second = (to_numpy(balancer.weights(losses=LOSSES)) for _ in "ab")
    np.testing.assert_array_equal(first, second)
    assert first.shape == (3,)
    assert first.dtype == np.float32
    by_gramian = balancer.weights(gramian=JACOBIAN @ JACOBIAN.T)
    np.testing.assert_array_equal(to_numpy(by_gramian), first)


@pytest.mark.parametrize(
    "balancer", BALANCERS, ids=lambda b: str(b.get_config())
)
def test_combine_is_the_weighted_sum_of_the_rows(balancer):
    weights = to_numpy(balancer.weights(losses=LOSSES))
    np.testing.assert_allclose(
        to_numpy(balancer.combine(JACOBIAN)), weights @ JACOBIAN, rtol=1e-5
    )


@pytest.mark.parametrize(
    "balancer", BALANCERS, ids=lambda b: str(b.get_config())
)
def test_serialization(balancer):
    config = keras.saving.serialize_keras_object(balancer)
    restored = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert type(restored) is type(balancer)
    assert restored.get_config() == balancer.get_config()
    assert restored.tasks is None


def test_weights_follow_the_order_of_the_model():
    balancer = balancing.Static({"box": 2.0, "det": 3.0})
    balancer.bind(("box", "cls", "det"))
    np.testing.assert_array_equal(to_numpy(balancer.weights()), [2, 1, 3])


@pytest.mark.parametrize("balancer", [balancing.Equal(), balancing.Static(2.0)])
def test_number_of_tasks_must_be_known(balancer):
    with pytest.raises(ValueError, match="how many tasks.*Received"):
        balancer.weights()
    balancer.bind(("a", "b"))
    assert balancer.weights().shape == (2,)


def test_balancer_of_another_model_is_refused():
    balancer = balancing.Static({"a": 1.0})
    balancer.bind(("a", "b"))
    with pytest.raises(ValueError, match="'a', 'b'.*Received.*3 tasks"):
        balancer.weights(losses=LOSSES)


@pytest.mark.parametrize("name", ["moco", "db_mtl", "graddrop"])
def test_rescaled_merge_is_as_long_as_the_plain_sum(name):
    levels = {"graddrop": {"on": "parameters"}}.get(name, {})
    direction = balancing.get(name, rescale="sum", **levels).combine_rows(
        JACOBIAN, LOSSES
    )
    length = np.linalg.norm(JACOBIAN.sum(axis=0))
    assert np.linalg.norm(to_numpy(direction)) == pytest.approx(
        length, rel=1e-5
    )
    plain = balancing.get(name, **levels).combine_rows(JACOBIAN, LOSSES)
    assert np.linalg.norm(to_numpy(plain)) != pytest.approx(length, rel=1e-2)
