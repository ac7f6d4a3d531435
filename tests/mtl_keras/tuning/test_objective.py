"""What a search may look for, and what it may not."""

import math

import pytest

from mtl_keras import comparison
from mtl_keras.tuning import objective as objectives

KEYS = ("loss", "cls_loss", "cls_accuracy", "cls_f1", "box_iou", "box_loss")
TASKS = ("cls", "box")


def resolve(name, **options):
    return objectives.resolve(name, KEYS, TASKS, **options)


@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_sum_of_losses_is_refused_with_the_reason(name):
    with pytest.raises(ValueError, match="on two scales"):
        resolve(name)


@pytest.mark.parametrize(
    ("name", "key", "direction"),
    [
        ("gain", "gain", "max"),
        ("cls_accuracy", "cls_accuracy", "max"),
        ("val_box_iou", "box_iou", "max"),
        ("box_loss", "box_loss", "min"),
    ],
)
def test_direction_is_known(name, key, direction):
    found = resolve(name)
    assert (found.name, found.direction) == (key, direction)


def test_direction_may_be_given():
    keys = (*KEYS, "cls_wit")
    with pytest.raises(ValueError, match="whether a higher 'wit' is better"):
        objectives.resolve("gain", keys, TASKS)
    found = objectives.resolve("cls_wit", keys, TASKS, lower=["wit"])
    assert found.direction == "min"


def test_unknown_objective():
    with pytest.raises(ValueError, match="Did you mean 'cls_accuracy'"):
        resolve("cls_acuracy")


def test_gain_is_the_mean_within_each_task_first():
    references = {"cls_accuracy": 0.5, "cls_f1": 0.4, "box_iou": 0.8}
    logs = {"cls_accuracy": 0.6, "cls_f1": 0.4, "box_iou": 0.72}
    found = resolve("gain")
    # By hand: cls (20 + 0) / 2, box -10, and their mean.
    assert found.value(logs, references) == pytest.approx(0.0, abs=1e-9)
    assert found.value({**logs, "box_iou": 0.8}, references) == pytest.approx(5)


def test_metric_without_a_relative_gain_is_left_out():
    references = {"cls_accuracy": 0.5, "cls_f1": 0.0, "box_iou": 0.8}
    counted = resolve("gain").counted
    assert set(objectives.defined(counted, references)) == {
        "cls_accuracy",
        "box_iou",
    }
    with pytest.raises(ValueError, match="'box' reached no metric"):
        objectives.defined(counted, {**references, "box_iou": 0.0})


def test_value_that_is_not_there_is_nan_and_never_better():
    found = resolve("box_loss")
    assert math.isnan(found.value({}))
    assert found.better(0.1, 0.2) and not found.better(0.2, 0.1)
    assert found.better(0.1, math.nan) and not found.better(math.nan, 0.1)


def test_gain_agrees_with_the_comparison_of_balancers():
    counted = resolve("gain").counted
    references = {"cls_accuracy": 0.5, "cls_f1": 0.3, "box_iou": 0.8}
    logs = {"cls_accuracy": 0.7, "cls_f1": 0.2, "box_iou": 0.9}
    expected = comparison.delta_libmtl(logs, references, counted)
    assert resolve("gain").value(logs, references) == expected


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_gain_without_validation_labels_names_the_cause(value):
    counted = {"t_mae": comparison.Measure("t", "mae", False)}
    with pytest.raises(ValueError, match="validation data need labels"):
        objectives.defined(counted, {"t_mae": value})
