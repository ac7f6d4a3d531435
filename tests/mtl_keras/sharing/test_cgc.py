"""Own experts beside shared ones."""

import numpy as np
import pytest

from mtl_keras import graph, sharing
from tests.mtl_keras.sharing import small

TRUNK = 8 * 6 + 6 + 6 * 4 + 4


def test_a_gate_weighs_own_and_shared_experts_only():
    model = small.build("cgc", num_shared_experts=2, num_task_experts=1)
    assert small.num_weights(model) == 4 * TRUNK + 2 * (8 * 3) + 2 * 5
    weights = small.gate_weights(model, "a_gate", small.inputs())
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    parts = graph.partition(model)
    # Two shared experts; a task's own is its own.
    assert len(parts.shared_variables) == 2 * 4
    assert len(parts.task_variables["a"]) == 4 + 1 + 2


def test_own_experts_alone_are_separate_trunks():
    model = small.build("cgc", num_shared_experts=0, num_task_experts=1)
    assert small.num_weights(model) == 2 * (TRUNK + 5)
    assert not graph.partition(model).shared_variables


def test_one_shared_expert_alone_is_the_plain_trunk():
    model = small.build("cgc", num_shared_experts=1, num_task_experts=0)
    small.assert_is_the_plain_trunk(model, small.inputs())


def test_no_expert_is_refused():
    with pytest.raises(ValueError, match="at least one expert"):
        sharing.get("cgc", num_shared_experts=0, num_task_experts=0)
    with pytest.raises(ValueError, match="at least 0"):
        sharing.get("cgc", num_task_experts=-1)
