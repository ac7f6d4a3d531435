"""Learned branches, and the tree that they end in."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import graph, sharing
from mtl_keras.sharing.layers.branch_choice import BranchChoice
from tests.mtl_keras.sharing import small

TRUNK = 8 * 6 + 6 + 6 * 4 + 4


def model_of(**choices):
    """A model whose choices prefer the branches that are named."""
    model = small.build("branching", num_branches=2, seed=0)
    for layer in model.layers:
        if isinstance(layer, BranchChoice):
            preferred = choices[layer.name.removesuffix("_choice")]
            layer.logits.assign(np.eye(2)[preferred])
    return model


def crossed():
    """Task a reads branch 1 of the last stage, b branch 0; both read 1."""
    return model_of(a=1, b=0, stage_1_branch_0=1, stage_1_branch_1=1)


def test_tree_names_the_branches_from_the_first_stage():
    model = crossed()
    assert model.sharing.tree(model) == {"a": (1, 1), "b": (1, 0)}


def test_discrete_tree_predicts_what_the_model_does():
    model = crossed()
    tree = model.sharing.discrete(model)
    x = small.inputs()
    expected = small.predictions(model, x)
    for task, output in small.predictions(tree, x).items():
        np.testing.assert_array_equal(output, expected[task])
    # One first stage for both, a second one for each.
    assert small.num_weights(tree) == (8 * 6 + 6) + 2 * (6 * 4 + 4) + 2 * 5
    assert not any(isinstance(layer, BranchChoice) for layer in tree.layers)
    parts = graph.partition(tree)
    assert len(parts.shared_variables) == 2
    assert list(tree.tasks) == ["a", "b"]


def test_discrete_tree_is_a_model_of_its_own(tmp_path):
    model = crossed()
    model.compile("sgd", loss_weights="cagrad")
    tree = model.sharing.discrete(model)
    path = tmp_path / "tree.keras"
    tree.save(path)
    x = small.inputs()
    again = keras.models.load_model(path)
    for task, output in small.predictions(again, x).items():
        np.testing.assert_array_equal(output, small.predictions(tree, x)[task])
    # Its weights are copies, and it is compiled anew.
    assert not tree.compiled
    before = model.get_layer("a").get_weights()[0]
    tree.get_layer("a").set_weights([before + 1, np.zeros(1)])
    np.testing.assert_array_equal(model.get_layer("a").get_weights()[0], before)


def test_shared_branches_are_hard_sharing():
    model = model_of(a=0, b=0, stage_1_branch_0=0, stage_1_branch_1=1)
    tree = model.sharing.discrete(model)
    small.assert_is_the_plain_trunk(tree, small.inputs())


def test_one_branch_is_the_plain_trunk():
    model = small.build("branching", num_branches=1)
    small.assert_is_the_plain_trunk(model, small.inputs())


def test_draws_are_weights_and_the_temperature_falls():
    choice = BranchChoice(4.0, 0.5, 1.5, seed=0)
    ones = [np.full((2, 1), i, "float32") for i in (0, 1)]
    drawn = [float(choice(ones, training=True)[0, 0]) for _ in range(4)]
    assert all(0 < value < 1 for value in drawn)
    assert len(set(drawn)) == 4
    assert float(choice.current_temperature) == pytest.approx(1.5)
    again = BranchChoice(4.0, 0.5, 1.5, seed=0)
    assert float(again(ones, training=True)[0, 0]) == drawn[0]


def test_draws_follow_the_softmax_of_the_logits():
    # The Gumbel trick: the greatest of logits plus noise is i with
    # probability softmax(logits)_i.
    choice = BranchChoice(0.01, 1.0, 0.01, seed=1)
    ones = [np.full((1,), i, "float32") for i in (0, 1)]
    choice(ones)
    choice.logits.assign([0.0, np.log(3.0)])
    drawn = [float(choice(ones, training=True)[0]) for _ in range(200)]
    assert np.mean(drawn) == pytest.approx(0.75, abs=0.09)


def test_draws_resume_bitwise_from_a_file(tmp_path):
    x = small.inputs(8)
    model = small.build("branching", num_branches=2)
    first = model(x, training=True)
    model.save(tmp_path / "model.keras")
    expected = model(x, training=True)
    again = keras.models.load_model(tmp_path / "model.keras")
    received = again(x, training=True)
    for task in ("a", "b"):
        np.testing.assert_array_equal(received[task], expected[task])
        assert not np.array_equal(first[task], expected[task])
    temperatures = [
        float(each.get_layer("a_choice").current_temperature)
        for each in (model, again)
    ]
    assert temperatures[0] == temperatures[1] < 5.0 * 0.998


def test_a_trunk_without_stages_is_refused():
    with pytest.raises(ValueError, match="needs a trunk with stages"):
        small.build("branching", trunk=lambda x: layers.Dense(3)(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_branches": 0}, "at least 1"),
        ({"temperature": 0.0}, "> 0"),
        ({"decay": 1.5}, "<= 1"),
        ({"temperature": 1.0, "lowest": 2.0}, "lowest"),
    ],
)
def test_impossible_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sharing.get("branching", **arguments)


def test_inference_takes_the_greatest_logit():
    model = crossed()
    x = small.inputs()
    features = model.get_layer("stage_0_branch_1")(x)
    features = model.get_layer("stage_1_branch_1")(features)
    expected = ops.convert_to_numpy(model.get_layer("a")(features))
    np.testing.assert_allclose(
        small.predictions(model, x)["a"], expected, atol=1e-6
    )
