"""What a loss says about its task's label."""

import keras
import pytest

from mtl_keras import LabelSpec, Task, losses
from mtl_keras.model.label_inference import complete_task


def spec(loss, shape):
    loss = losses.get(loss)
    return complete_task(Task("a"), loss, shape, is_declared=False).label


CLASSES = LabelSpec(dtype="int32", missing=-1, minimum=0, maximum=4)
TAGS = LabelSpec((9,), "int32", missing=-1, minimum=0, maximum=4)
BINARY = LabelSpec((1,), missing=-1, minimum=0, maximum=1)
ASSAYS = LabelSpec((5,), missing=-1, minimum=0, maximum=1)
ONE_HOT = LabelSpec((5,), missing=-1, minimum=0, maximum=1, rule="one_hot")
BOX = LabelSpec((4,), minimum=0, maximum=1, rule="box_xyxy")
FREE = LabelSpec((5,))
MASK = LabelSpec((1,), missing=255, minimum=0, maximum=1)
MASKS = LabelSpec(dtype="int32", missing=255, minimum=0, maximum=4)
SURVIVAL = LabelSpec((2,), minimum=0)
DEPTH = LabelSpec((1,), minimum=0)


class OwnCrossEntropy(keras.losses.SparseCategoricalCrossentropy):
    """A subclass reads the labels that its base class reads."""


def own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@pytest.mark.parametrize(
    ("loss", "last", "expected"),
    [
        ("sparse_categorical_crossentropy", 5, CLASSES),
        ("SparseCategoricalCrossentropy", 5, CLASSES),
        (keras.losses.SparseCategoricalCrossentropy(), 5, CLASSES),
        (keras.losses.SparseCategoricalCrossentropy, 5, CLASSES),
        (keras.losses.sparse_categorical_crossentropy, 5, CLASSES),
        (OwnCrossEntropy(), 5, CLASSES),
        ("cross_entropy", 5, CLASSES),
        ("focal", 5, CLASSES),
        ("focal", 1, BINARY),
        ("soft_f1", 5, CLASSES),
        ("soft_f1", 1, BINARY),
        ("pairwise_auc", 1, BINARY),
        ("dice", 1, MASK),
        ("dice", 5, MASKS),
        ("cox", 1, SURVIVAL),
        ("discrete_time", 5, SURVIVAL),
        ("scale_invariant_depth", 1, DEPTH),
        ("angular", 5, FREE),
        ("binary_crossentropy", 1, BINARY),
        ("binary_crossentropy", 5, ASSAYS),
        (keras.losses.binary_focal_crossentropy, 5, ASSAYS),
        (keras.losses.BinaryCrossentropy(from_logits=True), 1, BINARY),
        ("binary_cross_entropy", 1, BINARY),
        ("categorical_crossentropy", 5, ONE_HOT),
        (keras.losses.CategoricalFocalCrossentropy(), 5, ONE_HOT),
        ("categorical_hinge", 5, ONE_HOT),
        ("kl_divergence", 5, ONE_HOT),
        ("KLDivergence", 5, ONE_HOT),
        ("giou", 4, BOX),
        ("box", 4, BOX),
        ("mse", 5, FREE),
        ("mae", 5, FREE),
        ("huber", 5, FREE),
        ("hinge", 5, FREE),
        (keras.losses.LogCosh(), 5, FREE),
        (keras.losses.CosineSimilarity(), 5, FREE),
        (own_loss, 5, FREE),
        (lambda y_true, y_pred: own_loss(y_true, y_pred), 5, FREE),
    ],
)
def test_label_of_a_loss(loss, last, expected):
    assert spec(loss, (None, last)) == expected


def test_leading_axes_are_the_labels():
    loss = "sparse_categorical_crossentropy"
    assert spec(loss, (None, 9, 5)) == TAGS
    assert spec(loss, (None, None, 5)).shape == (None,)


@pytest.mark.parametrize("ignored", [0, 255])
def test_ignored_class_is_the_missing_one(ignored):
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=ignored)
    assert spec(loss, (None, 5)).missing == ignored


def completed(task, loss, shape):
    return complete_task(task, losses.get(loss), shape, is_declared=True)


def test_declared_kind_keeps_its_label():
    task = Task("a", "classification", num_classes=5)
    assert completed(task, "cross_entropy", (None, 5)) is task
    assert completed(task, "mse", (None, 5)) is task


def test_declared_classes_become_one_hot_by_the_loss():
    task = Task("a", "classification", num_classes=5)
    received = completed(task, "categorical_crossentropy", (None, 5))
    assert received.label == ONE_HOT
    assert received.num_classes == 5


def test_label_of_ones_own_stays():
    label = LabelSpec((5,), minimum=0)
    task = Task("a", label=label)
    assert completed(task, "kl_divergence", (None, 5)).label is label


def test_declared_without_kind_and_label_is_completed():
    assert completed(Task("a"), "mse", (None, 5)).label == FREE
    loss = "sparse_categorical_crossentropy"
    assert completed(Task("a"), loss, (None, 5)).label == CLASSES
