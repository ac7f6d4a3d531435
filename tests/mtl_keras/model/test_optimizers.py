"""Optimizers and learning rates as a recipe describes them."""

import math

import keras
import pytest

from mtl_keras import optimizers


def rates(recipe, *steps, epochs=4, steps_per_epoch=10):
    optimizer = optimizers.from_recipe(
        {"learning_rate": 0.1, **recipe},
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
    )
    schedule = optimizer._learning_rate
    return [float(schedule(step)) for step in steps]


def approximately(values):
    return pytest.approx(values, rel=1e-5, abs=1e-8)


def test_constant():
    optimizer = optimizers.from_recipe(
        {"name": "sgd", "learning_rate": 0.1}, epochs=4, steps_per_epoch=10
    )
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert float(optimizer.learning_rate) == pytest.approx(0.1)


def test_constant_with_warm_up():
    received = rates(
        {"schedule": "constant", "warmup_epochs": 1}, 0, 5, 10, 11, 39, 100
    )
    assert received == approximately([0, 0.05, 0.1, 0.1, 0.1, 0.1])


def test_cosine_ends_at_zero():
    received = rates({"schedule": "cosine"}, 0, 10, 20, 40, 50)
    quarter = 0.05 * (1 + math.cos(math.pi / 4))
    assert received == approximately([0.1, quarter, 0.05, 0, 0])


def test_cosine_with_warm_up():
    received = rates(
        {"schedule": "cosine", "warmup_epochs": 0.5}, 0, 1, 5, 22.5, 40
    )
    assert received == approximately([0, 0.02, 0.1, 0.05, 0])


def test_arguments_reach_the_optimizer():
    optimizer = optimizers.from_recipe(
        {
            "name": "adamw",
            "weight_decay": 0.02,
            "clipnorm": 1.0,
            "beta_1": None,
        },
        epochs=1,
        steps_per_epoch=1,
    )
    assert isinstance(optimizer, keras.optimizers.AdamW)
    assert optimizer.weight_decay == 0.02
    assert optimizer.clipnorm == 1.0
    assert optimizer.beta_1 == 0.9


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"name": "adamm"}, "Unknown optimizer: 'adamm'.*mean 'adam"),
        ({"name": "optimizer"}, "Unknown optimizer: 'optimizer'"),
        ({"name": None}, "Unknown optimizer: None"),
        ({"schedule": "cosin"}, "Unknown schedule: 'cosin'.*mean 'cosine'"),
        ({"learning_rate": 0}, "`optimizer.learning_rate`.*> 0.*=0"),
        ({"learning_rate": math.inf}, "`optimizer.learning_rate`.*finite"),
        ({"learning_rate": "fast"}, "`optimizer.learning_rate`.*'fast'"),
        ({"warmup_epochs": -1}, "`optimizer.warmup_epochs`.*>= 0"),
        ({"warmup_epochs": None}, "`optimizer.warmup_epochs`.*None"),
        ({"warmup_epochs": 4}, "`optimizer.warmup_epochs` must be less"),
        ({"weight_decai": 0.1}, "'adam' does not take.*Received"),
    ],
)
def test_wrong_recipes(recipe, words):
    with pytest.raises(ValueError, match=words):
        optimizers.from_recipe(recipe, epochs=4, steps_per_epoch=10)
