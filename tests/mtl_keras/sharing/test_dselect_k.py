"""Sparse, differentiable gates."""

import numpy as np
import pytest
from keras import ops

from mtl_keras import sharing
from mtl_keras.sharing.layers.dselect_k_gate import DSelectKGate, smooth_step
from tests.mtl_keras.sharing import small


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_smooth_step_has_the_exact_values_of_the_paper(gamma):
    # -2/g^3 t^3 + 3/(2g) t + 1/2 at t = -g/4 is 1/32 - 3/8 + 1/2 = 5/32.
    t = gamma * np.array([-9, -0.5, -0.25, 0, 0.25, 0.5, 9], "float32")
    values = ops.convert_to_numpy(smooth_step(t, gamma))
    expected = [0, 0, 5 / 32, 0.5, 27 / 32, 1, 1]
    np.testing.assert_allclose(values, expected, atol=1e-6)
    # Exactly: sparsity depends on it.
    assert values[0] == values[1] == 0 and values[-1] == values[-2] == 1


def gate_of(digits, selectors, *, num_experts, entropy=0.0):
    gate = DSelectKGate(num_experts, len(digits), 1.0, entropy, False)
    gate.build((None, 1))
    gate.digits.assign(digits)
    gate.weights_bias.assign(selectors)
    return gate


def test_decided_selectors_choose_experts_by_their_binary_digits():
    gate = gate_of([[1, -1], [-1, 1]], [0.0, np.log(3.0)], num_experts=4)
    weights = ops.convert_to_numpy(gate(np.zeros((7, 1))))
    # 10 in binary is expert 2, with weight 1/4; 01 is expert 1.
    np.testing.assert_allclose(weights, [[0, 0.75, 0.25, 0]], atol=1e-6)
    assert np.count_nonzero(weights) == 2


def test_undecided_selectors_weigh_all_experts_alike():
    gate = gate_of(np.zeros((2, 3)), [0.0, 1.0], num_experts=8)
    weights = ops.convert_to_numpy(gate(np.zeros((1, 1))))
    np.testing.assert_allclose(weights, np.full((1, 8), 1 / 8), atol=1e-6)


def test_entropy_is_a_part_of_the_loss():
    undecided = gate_of(np.zeros((2, 2)), [0, 0], num_experts=4, entropy=0.5)
    assert float(sum(undecided.losses)) == pytest.approx(0.5 * 2 * np.log(4))
    decided = gate_of(np.ones((2, 2)), [0, 0], num_experts=4, entropy=0.5)
    assert float(sum(decided.losses)) == pytest.approx(0.0, abs=1e-7)


def test_numbers_without_an_expert_are_penalised():
    # Undecided among 4 codes, 3 of them experts: 1 / (3/4) - 1 a selector.
    gate = gate_of(np.zeros((2, 2)), [0, 0], num_experts=3)
    assert float(sum(gate.losses)) == pytest.approx(2 / 3, rel=1e-5)
    gate = gate_of(-np.ones((2, 2)), [0, 0], num_experts=3)
    assert float(sum(gate.losses)) == pytest.approx(0.0, abs=1e-7)


def test_gates_per_example_penalise_the_mean_entropy_in_training():
    gate = DSelectKGate(4, 1, 1.0, 1.0, True)
    x = small.inputs(6, (3,))
    gate(x)
    assert not gate.losses
    gate.digits_kernel.assign(np.zeros((3, 2)))
    gate.digits.assign(np.zeros(2))
    assert gate(x, training=True).shape == (6, 4)
    assert float(gate.losses[0]) == pytest.approx(np.log(4), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("per_example", [False, True])
def test_training_with_a_large_penalty_ends_sparse(per_example):
    # The entropy pushes the digits to 0 or 1, whatever the tasks' losses say.
    model = small.build(
        "dselect_k", num_experts=4, k=2, entropy=3.0, per_example=per_example
    )
    x = small.inputs(64)
    labels = {task: x[:, 0] for task in ("a", "b")}
    model.compile("adam", jit_compile=True, metrics={"a": [], "b": []})
    model.optimizer.learning_rate = 0.05
    model.fit(x, labels, batch_size=64, epochs=40, verbose=0)
    weights = small.gate_weights(model, "a_gate", x)
    assert weights.shape == (64 if per_example else 1, 4)
    used = np.count_nonzero(weights, axis=1)
    # Of gates per example, a few may be in between.
    assert np.quantile(used, 0.6) <= 2
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)


def test_one_expert_is_the_plain_trunk():
    model = small.build("dselect_k", num_experts=1, k=1)
    small.assert_is_the_plain_trunk(model, small.inputs())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_experts": 0}, "at least 1"),
        ({"num_experts": 2, "k": 3}, "at most the number of experts"),
        ({"k": 0}, "at least 1"),
        ({"gamma": 0.0}, "> 0"),
        ({"entropy": -1}, ">= 0"),
    ],
)
def test_impossible_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sharing.get("dselect_k", **arguments)
