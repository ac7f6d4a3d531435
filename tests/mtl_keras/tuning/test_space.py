"""What is searched whatever the model."""

import keras
import keras_tuner
import numpy as np
import pytest

from mtl_keras import balancing, optimizers
from mtl_keras.tuning import Space
from mtl_keras.tuning import space as spaces

TASKS = ("box", "cls")
RECIPE = {
    "optimizer": {"name": "adamw", "learning_rate": 3e-3},
    "batch_size": 64,
    "loss_weights": {"cls": 2.0, "box": 1.0},
}


def declared(space, recipe=RECIPE, tasks=TASKS):
    hp = keras_tuner.HyperParameters()
    return hp, space.choose(hp, tasks, recipe)


def at(space, recipe=RECIPE, **values):
    """The point with these values, the others at their defaults."""
    hp = keras_tuner.HyperParameters()
    hp.values = {k.replace("__", "."): v for k, v in values.items()}
    return space.choose(hp, TASKS, recipe)


@pytest.mark.parametrize("name", spaces.SPACES)
def test_defaults_are_the_recipe(name):
    hp, found = declared(spaces.named(name))
    assert found["loss_weights"] == RECIPE["loss_weights"]
    assert found["balancer"] is None
    optimizer = found["optimizer"]
    rates = {optimizer["learning_rate"]}
    rates |= {p["learning_rate"] for p in optimizer.get("parts", {}).values()}
    assert rates == {3e-3}
    assert found.get("batch_size", 64) == 64
    assert found.get("shared_dropout", 0.0) == 0.0
    if name == "full":
        # The class's own, of which the recipe says nothing.
        assert optimizer["weight_decay"] == 0.004
    assert hp.get("balancer") == "static"


def test_small_space_is_small_and_full_has_all():
    small, _ = declared(spaces.named("small"))
    full, _ = declared(spaces.named("full"))
    assert {hp.name for hp in small.space} == {
        "optimizer.learning_rate",
        "balancer",
        "loss_weights.box",
        "loss_weights.cls",
    }
    assert {
        "optimizer.parts.trunk.learning_rate",
        "optimizer.parts.heads.learning_rate",
        "optimizer.weight_decay",
        "batch_size",
        "shared_dropout",
        "cagrad.c",
        "cagrad.on",
    } <= {hp.name for hp in full.space}


def test_hyperparameters_of_a_balancer_are_active_with_it_only():
    space = Space(balancers=["static", "cagrad", "dwa"])
    hp, _ = declared(space)
    assert "cagrad.c" not in hp.values and "loss_weights.cls" in hp.values
    found = at(space, balancer="cagrad", cagrad__c=0.3)
    assert found["loss_weights"] == "cagrad"
    assert found["balancer"] == {"c": 0.3, "on": "features"}
    found = at(space, balancer="dwa", dwa__temperature=1.5)
    assert found["balancer"] == {"temperature": 1.5}


@pytest.mark.parametrize(
    "name", sorted({*balancing.list_balancers()} - {"static"})
)
def test_every_balancer_can_be_searched(name):
    found = at(Space(balancers=[name]), balancer=name)
    given = found["balancer"] or {}
    config = balancing.get(found["loss_weights"], **given).get_config()
    assert found["loss_weights"] == name
    assert {key: config[key] for key in given} == given


def test_own_balancer_of_the_recipe_is_the_default():
    recipe = {**RECIPE, "loss_weights": "cagrad", "balancer": {"c": 0.25}}
    _, found = declared(Space(), recipe)
    assert found["loss_weights"] == "cagrad"
    assert found["balancer"]["c"] == 0.25
    found = at(Space(), recipe, balancer="static")
    assert found["loss_weights"] == {"box": 1.0, "cls": 1.0}


def test_options_of_the_recipe_that_are_not_searched_stay():
    options = {"monitor": True, "c": 0.25}
    recipe = {**RECIPE, "loss_weights": "cagrad", "balancer": options}
    _, found = declared(Space(), recipe)
    assert found["balancer"]["monitor"] is True


def test_weight_of_zero_stays_zero():
    recipe = {**RECIPE, "loss_weights": {"cls": 0.0, "box": 1.0}}
    hp, found = declared(Space(), recipe)
    assert found["loss_weights"]["cls"] == 0.0
    assert "loss_weights.cls" not in hp.values


def test_parts_of_the_recipe_keep_their_own_rates():
    parts = {"trunk": {"learning_rate": 1e-4}, "heads": {"name": "sgd"}}
    recipe = {**RECIPE, "optimizer": {**RECIPE["optimizer"], "parts": parts}}
    _, found = declared(Space(), recipe)
    assert found["optimizer"]["parts"] == {
        "trunk": {"learning_rate": 1e-4},
        "heads": {"name": "sgd", "learning_rate": 3e-3},
    }
    optimizers.from_recipe(found["optimizer"], epochs=1, steps_per_epoch=1)


def test_one_task_has_nothing_to_weigh():
    hp, found = declared(Space(), tasks=("cls",))
    assert set(hp.values) == {"optimizer.learning_rate"}
    assert set(found) == {"optimizer"}


@pytest.mark.parametrize("seed", range(5))
def test_values_survive_32_bits(seed):
    value = float(f"{np.random.default_rng(seed).uniform(1e-5, 10):.4g}")
    assert spaces.short(float(np.float32(value))) == value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"balancers": ["cagrat"]}, "Did you mean 'cagrad'"),
        ({"balancers": "cagrad"}, r"Write balancers=\('cagrad',\)"),
        ({"learning_rate": (3.0, 1.0)}, "the lowest first"),
        ({"learning_rate": (0.0, 1.0)}, "above 0"),
        ({"loss_weights": 2.0}, "the lowest first"),
        ({"batch_size": [0]}, "above 0"),
        ({"shared_dropout": 1.0}, r"in \[0, 1\)"),
    ],
)
def test_wrong_space(arguments, message):
    with pytest.raises(ValueError, match=message):
        Space(**arguments)


def test_unknown_space():
    with pytest.raises(ValueError, match="Did you mean 'small'"):
        spaces.named("smal")


def test_decay_of_an_optimizer_without_one_is_none():
    recipe = {**RECIPE, "optimizer": {"name": "sgd", "learning_rate": 0.1}}
    _, found = declared(Space(weight_decay=True), recipe)
    assert found["optimizer"]["weight_decay"] == 0.0
    made = optimizers.from_recipe(
        found["optimizer"], epochs=1, steps_per_epoch=1
    )
    assert isinstance(made, keras.optimizers.SGD)
