"""Levels of shared and own experts."""

import pytest
from keras import layers

from mtl_keras import graph, sharing
from tests.mtl_keras.sharing import small


def test_first_level_experts_are_shared_through_the_shared_gate():
    model = small.build("ple")
    parts = graph.partition(model)
    shared = {v.path.split("/")[0] for v in parts.shared_variables}
    names = {c.operation.name for c in parts.trunk.calls if c.weights}
    assert "level_0_gate_shared" in names
    # Experts of level 0: shared, a's and b's; of level 1: the shared one.
    assert len(parts.shared_variables) == 3 * 2 + 1 + 2
    assert not any(path.startswith("a_level") for path in shared)
    own = [v.path for v in parts.task_variables["a"]]
    assert len(own) == 1 + 2 + 1 + 2
    assert "a_level_0_gate/kernel" in own and "a_level_1_gate/kernel" in own


@pytest.mark.parametrize("num_levels", [1, 3])
def test_a_trunk_without_stages_is_the_expert_of_each_level(num_levels):
    model = small.build(
        "ple", trunk=lambda x: layers.Dense(8)(x), num_levels=num_levels
    )
    expert, gate, shared_gate = 8 * 8 + 8, 8 * 2, 8 * 3
    expected = num_levels * (3 * expert + 2 * gate) + 2 * 9
    expected += (num_levels - 1) * shared_gate
    assert small.num_weights(model) == expected


def test_one_level_is_cgc():
    trunk = small.dense_stages(4)
    one = small.build("ple", trunk=trunk, num_levels=1)
    two = small.build("cgc", trunk=trunk)
    x = small.inputs()
    for weight, value in zip(one.weights, two.get_weights(), strict=True):
        weight.assign(value)
    for task, expected in small.predictions(two, x).items():
        assert small.predictions(one, x)[task] == pytest.approx(expected)


def test_one_shared_expert_is_the_plain_trunk():
    model = small.build("ple", num_task_experts=0)
    small.assert_is_the_plain_trunk(model, small.inputs())


def test_levels_that_do_not_fit_the_trunk_are_refused():
    with pytest.raises(ValueError, match="Each stage of the trunk is a level"):
        small.build("ple", num_levels=3)
    with pytest.raises(ValueError, match="as a list of stages"):
        small.build("ple", trunk=_only_eight)
    with pytest.raises(ValueError, match="at least 1"):
        sharing.get("ple", num_levels=0)


def _only_eight(x):
    layer = layers.Dense(4)
    layer.build((None, 8))
    return layer(x)
