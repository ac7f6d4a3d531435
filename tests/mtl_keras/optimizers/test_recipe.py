"""Recipes with an optimizer for each part."""

import pytest

from mtl_keras import optimizers
from tests.test_case import assert_close


def made(recipe):
    return optimizers.from_recipe(recipe, epochs=4, steps_per_epoch=5)


def test_parts_have_recipes_of_their_own_and_common_fields():
    recipe = {
        "name": "adamw",
        "learning_rate": 0.1,
        "schedule": "cosine",
        "weight_decay": 0.2,
        "parts": {
            "trunk": {"learning_rate": 0.01},
            "cls": {"name": "sgd", "schedule": "constant", "momentum": 0.5},
            "heads": {"weight_decay": None},
        },
    }
    parts = made(recipe).parts
    assert list(parts) == ["trunk", "cls", "heads"]
    kinds = [type(each).__name__ for each in parts.values()]
    assert kinds == ["AdamW", "SGD", "AdamW"]
    rates = [float(each.learning_rate) for each in parts.values()]
    assert_close(rates, [0.01, 0.1, 0.1])
    assert [each.weight_decay for each in parts.values()] == [0.2, 0.2, 0.004]
    assert parts["cls"].momentum == 0.5
    for part, is_schedule in (("trunk", True), ("cls", False)):
        rate = parts[part].get_config()["learning_rate"]
        assert isinstance(rate, dict) == is_schedule


def test_recipe_of_ml_collections():
    from ml_collections import ConfigDict

    config = ConfigDict(
        {"name": "sgd", "parts": {"trunk": {"learning_rate": 0.3}, "heads": {}}}
    )
    parts = made(config).parts
    assert_close(float(parts["trunk"].learning_rate), 0.3)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("trunk", "dict of part to recipe"),
        ({"trunk": "adam"}, "dict of part to recipe"),
        ({"trunk": {"parts": {}}}, "holds 'parts' again"),
        ({"trunk": {"name": "adm"}}, "Did you mean 'adam'"),
        ({}, "dict of part to optimizer"),
    ],
)
def test_wrong_parts_are_an_error(parts, message):
    with pytest.raises(ValueError, match=message):
        made({"parts": parts})


def test_trunk_learning_rate_is_short_for_parts():
    recipe = {
        "name": "adamw",
        "learning_rate": 0.1,
        "schedule": "cosine",
        "weight_decay": 0.2,
    }
    short = made({**recipe, "trunk_learning_rate": 0.01})
    parts = {"trunk": {"learning_rate": 0.01}, "heads": {}}
    assert short.get_config() == made({**recipe, "parts": parts}).get_config()
    assert type(made({**recipe, "trunk_learning_rate": None})).__name__ == (
        "AdamW"
    )


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"trunk_learning_rate": 0}, "optimizer.trunk_learning_rate"),
        ({"trunk_learning_rate": "fast"}, "optimizer.trunk_learning_rate"),
        ({"trunk_learning_rate": 0.1, "parts": {}}, "Expected one of them"),
    ],
)
def test_wrong_trunk_learning_rate_is_an_error(recipe, message):
    with pytest.raises(ValueError, match=message):
        made(recipe)
