"""The zoo's entries share their trunks by any architecture."""

import math

import pytest

import zoo
from mtl_keras import graph, sharing
from zoo import recipe_file

MODELS = ("cls_det_box", "intent_slot")


def _load(model, **overrides):
    return zoo.load(model, weights=None, **overrides)


@pytest.mark.parametrize("model", MODELS)
def test_mixture_has_an_expert_for_each_copy_of_the_trunk(model):
    hard = _load(model)
    two = _load(model, sharing={"name": "mmoe", "num_experts": 2})
    assert type(hard.sharing) is sharing.Hard
    assert {"expert_0", "expert_1"} < {layer.name for layer in two.layers}
    parts = graph.partition(hard)
    own = parts.task_variables.values()
    heads = sum(math.prod(v.shape) for values in own for v in values)
    assert two.count_params() < 2 * hard.count_params() + heads
    assert two.count_params() > hard.count_params()
    assert sorted(two.output) == sorted(hard.output)


@pytest.mark.parametrize("name", ["soft", "low_rank", "mapped"])
def test_trunk_of_images_takes_other_architectures(name):
    model = _load("cls_det_box", sharing=name, width=0.25)
    assert model.sharing.name == name
    # Every kernel of the trunk: 8 convolutions.
    if name == "mapped":
        own = [layer for layer in model.layers if "cls_trunk" in layer.name]
        assert sum(type(o).__name__ == "ScaleShift" for o in own) == 7


def test_stages_of_the_small_trunk_can_be_stitched():
    model = _load("cls_det_box", sharing="cross_stitch", width=0.25)
    assert model.sharing.name == "cross_stitch"


@pytest.mark.parametrize(
    "model, sharing_name, message",
    [
        ("cls_det_box", "esmm", "needs two or more tasks of the kind"),
        ("cls_det_box", "mmeo", "Did you mean 'mmoe'"),
        ("intent_slot", "adapters", "has no input"),
    ],
)
def test_architectures_that_do_not_fit_are_refused(
    model, sharing_name, message
):
    with pytest.raises(ValueError, match=message):
        _load(model, sharing=sharing_name)


def test_a_recipe_takes_it_as_an_override():
    chosen = recipe_file.choose(
        "cls_det_box", None, ["--config.overrides.sharing=mmoe"]
    )
    assert chosen.overrides.sharing == "mmoe"
