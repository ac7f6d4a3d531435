"""A task's defaults and its way through a file."""

import json

import keras
import numpy as np
import pytest

from mtl_keras import LabelSpec, Task, heads, losses, metrics
from mtl_keras.model.task_loss import LabelledBatch

TASKS = [
    Task("own"),
    Task("cls", "classification", class_names=("apple", "orange")),
    Task("many", "classification", num_classes=7, metrics=["f1", "accuracy"]),
    Task("det", "presence", loss="focal", metrics=()),
    Task("box", "box", loss="giou", metrics=["iou", "ap50"]),
    Task("price", "regression"),
    Task(
        "mask",
        loss="sparse_categorical_crossentropy",
        num_classes=3,
        label=LabelSpec(
            shape=(8, 8), dtype="int32", missing=255, minimum=0, maximum=2
        ),
    ),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_config_round_trip_through_json(task):
    config = json.loads(json.dumps(task.get_config()))
    assert Task.from_config(config) == task


def test_config_round_trip_keeps_objects():
    task = Task(
        "det",
        "presence",
        loss=losses.Focal(gamma=1.5),
        metrics=[metrics.AUC(), keras.metrics.BinaryAccuracy(threshold=0.3)],
    )
    config = json.loads(json.dumps(task.get_config()))
    restored = Task.from_config(config)
    assert restored.loss.get_config() == task.loss.get_config()
    auc, accuracy = restored.metrics
    assert isinstance(auc, metrics.AUC)
    assert accuracy.get_config()["threshold"] == 0.3


def test_config_may_be_short():
    assert Task.from_config({"name": "a", "kind": "box"}) == Task("a", "box")


# Labels of two examples, and an output that is nearer to the first of them.
EXAMPLES = {
    "box": ([[0, 0, 0.5, 1], [0.5, 0, 1, 1]], [0, 0, 0.6, 1]),
    "classification": ([1, 2], [0.2, 0.7, 0.1]),
    "count": ([[1, 0, 2], [3, 0, 0]], [1.1, 0.0, 1.8]),
    "detection": (
        [[[0.2, 0.2, 0.8, 0.8, 1]], [[0, 0, 0.5, 0.5, 2]]],
        [[[0.1, 0.6, 0.1, 0.2, 0.2, 0.7, 0.7]]],
    ),
    "mask": ([[[1, 0]], [[2, 2]]], [[[0.1, 0.8, 0.1], [0.6, 0.2, 0.2]]]),
    "depth": ([[[1.0, 2.0]], [[3.0, 4.0]]], [[[1.1], [2.1]]]),
    "normals": (
        [[[[0, 0, 1], [0, 1, 0]]], [[[1, 0, 0], [1, 0, 0]]]],
        [[[0, 0.1, 1], [0.1, 1, 0]]],
    ),
    "presence": ([1, 0], [0.8]),
    "regression": ([1.0, 2.0], [1.1]),
    "tagging": ([[1, 0], [2, 2]], [[0.1, 0.8, 0.1], [0.6, 0.2, 0.2]]),
}


# Of one example of survival there is nothing to compare: test_survival.py.
@pytest.mark.parametrize("kind", sorted({*heads.list_kinds()} - {"survival"}))
def test_the_loss_of_every_kind_reads_its_label(kind):
    task = Task("a", kind, num_classes=3)
    assert task.head.kind == kind
    assert task.default_metrics()
    labels, output = EXAMPLES[kind]
    near, far = (
        LabelledBatch(
            task,
            task.default_loss(),
            np.array([label], task.label.dtype),
            np.array([output], "float32"),
            None,
            None,
        )
        for label in labels
    )
    for batch in (near, far):
        # A label is one token's, one pixel's, or the number of one class.
        is_dense = kind in ("depth", "mask", "normals", "tagging")
        num_labels = 3 if kind == "count" else 2 if is_dense else 1
        assert float(batch.count) == num_labels
        assert float(batch.num_invalid) == 0
    assert 0 < float(near.total) < float(far.total)


def test_default_metrics_are_new_each_time():
    first, second = (Task("a", "box").default_metrics() for _ in range(2))
    assert first[0] is not second[0]


def test_task_without_a_kind_has_no_defaults():
    task = Task("a")
    assert task.head is None
    assert task.default_loss() is None
    assert task.default_metrics() == []


def test_what_the_user_says_wins_over_the_kind():
    label = LabelSpec(shape=(4,), missing=-1)
    task = Task("a", "box", loss="mse", metrics=(), label=label)
    assert task.label is label
    assert task.default_metrics() == []
    assert task.default_loss() is keras.losses.mean_squared_error


def test_class_names_say_how_many():
    assert Task("a", "classification", class_names=["x", "y"]).num_classes == 2


def test_number_of_classes_of_numpy_is_one_of_python():
    task = Task("a", "classification", num_classes=np.int64(3))
    assert type(task.num_classes) is int
    json.dumps(task.get_config())


def test_is_frozen_and_hashable():
    task = Task("a", "box")
    with pytest.raises(AttributeError):
        task.name = "b"
    assert len({task, Task("a", "box")}) == 1
