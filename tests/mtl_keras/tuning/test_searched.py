"""What both hypermodels share: the gain's place, and a task's own recipe."""

import keras

from mtl_keras.tuning import searched
from mtl_keras.tuning.gain import Gain
from mtl_keras.tuning.objective import GAIN

_KEYS = ["a_accuracy", "b_mae"]


def _searched(objective):
    model = searched.Searched()
    model._seek(objective, _KEYS, ["a", "b"], {"higher": (), "lower": ()})
    return model


def test_gain_is_logged_before_other_callbacks_see_the_logs():
    other = keras.callbacks.Callback()
    references = {"a_accuracy": 0.5, "b_mae": 2.0}
    callbacks = _searched(GAIN)._with_gain([other], lambda: references)
    assert isinstance(callbacks[0], Gain)
    assert callbacks[1] is other
    logs = {"val_a_accuracy": 0.75, "val_b_mae": 1.0}
    callbacks[0].on_epoch_end(0, logs)
    # Half more accuracy, half the error: 50 % each.
    assert logs[GAIN] == 50.0


def test_single_tasks_are_measured_for_the_gain_only():
    def measure():
        raise AssertionError("not needed")

    assert _searched("b_mae")._with_gain((), measure) == []


def test_objective_is_a_key_of_the_history_with_its_direction():
    lower, higher = _searched("b_mae"), _searched("a_accuracy")
    assert (lower.objective.name, lower.objective.direction) == (
        "val_b_mae",
        "min",
    )
    assert (higher.objective.name, higher.objective.direction) == (
        "val_a_accuracy",
        "max",
    )
    assert _searched(GAIN).objective.name == GAIN


def test_recipe_of_one_task_has_the_trunks_optimizer_for_all():
    recipe = {
        "epochs": 3,
        "optimizer": {
            "name": "adam",
            "learning_rate": 1.0,
            "parts": {
                "trunk": {"learning_rate": 2.0},
                "heads": {"learning_rate": 3.0},
            },
        },
        "loss_weights": "cagrad",
        "balancer": {"c": 0.4},
        "shared_dropout": 0.2,
    }
    assert searched.recipe_alone(recipe) == {
        "epochs": 3,
        "optimizer": {"name": "adam", "learning_rate": 2.0},
        "loss_weights": None,
        "balancer": None,
        "shared_dropout": None,
    }
    # The recipe itself is left as it was.
    assert recipe["optimizer"]["parts"]["trunk"] == {"learning_rate": 2.0}
