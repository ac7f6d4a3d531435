"""Every user of labels agrees on which of them are present and count."""

import keras
import numpy as np
import pytest

from mtl_keras import LabelSpec, Task, losses, metrics
from mtl_keras.data import splits
from mtl_keras.model.batch_labels import BatchLabels
from mtl_keras.model.collection import SplitCollection, packed
from mtl_keras.model.task_loss import LabelledBatch
from mtl_keras.model.tracking import (
    LabelMeans,
    TaskTracking,
    update_metric,
)
from tests.test_case import assert_close, to_numpy

NAN = np.nan
CLASSES = LabelSpec(dtype="int32", missing=-1, minimum=0, maximum=2)
ONE_HOT = LabelSpec((3,), missing=-1, minimum=0, maximum=1, rule="one_hot")
SPARSE = "sparse_categorical_crossentropy"
# Spec, loss, labels of four examples, and which labels are present; under a
# rule the last axis is one label.
CASES = {
    "classes, -1": (
        CLASSES,
        SPARSE,
        np.array([2, -1, 0, -1], "int32"),
        [1, 0, 1, 0],
    ),
    "classes, NaN": (
        CLASSES,
        SPARSE,
        np.array([2, NAN, 0, -1], "float32"),
        [1, 0, 1, 0],
    ),
    "mask, 255": (
        LabelSpec((2,), "int32", missing=255, minimum=0, maximum=2),
        SPARSE,
        np.array([[0, 255], [255, 255], [1, 2], [255, 0]], "uint8"),
        [[1, 0], [0, 0], [1, 1], [0, 1]],
    ),
    "assays, -1 and NaN": (
        LabelSpec((2,), missing=-1, minimum=0, maximum=1),
        "binary_crossentropy",
        np.array([[0, 1], [-1, 1], [NAN, -1], [1, NAN]], "float32"),
        [[1, 1], [0, 1], [0, 0], [1, 0]],
    ),
    "one-hot, one part NaN": (
        ONE_HOT,
        "categorical_crossentropy",
        np.array(
            [[0, 1, 0], [NAN, 0, 1], [0, 0, 1], [NAN, NAN, NAN]], "float32"
        ),
        [1, 0, 1, 0],
    ),
    "one-hot, one part -1": (
        ONE_HOT,
        "categorical_crossentropy",
        np.array([[0, 1, 0], [-1, 0, 1], [0, 0, 1], [-1, -1, -1]], "float32"),
        [1, 0, 1, 0],
    ),
    "box_xyxy, one part NaN": (
        LabelSpec((4,), minimum=0, maximum=1, rule="box_xyxy"),
        "box",
        np.array(
            [
                [0, 0, 1, 1],
                [0, NAN, 1, 1],
                [0, 0.25, 0.5, 0.75],
                [NAN, NAN, NAN, NAN],
            ],
            "float32",
        ),
        [1, 0, 1, 0],
    ),
}
NUM_OUTPUTS = {SPARSE: 3, "categorical_crossentropy": 3, "box": 4}


@pytest.fixture(params=CASES)
def labels(request):
    spec, loss, label, present = CASES[request.param]
    return Task("a", loss=loss, label=spec), label, np.array(present, bool)


def predictions(task, label):
    """Probabilities, or boxes within the image, of the label's axes."""
    axes = label.shape[: label.ndim - (task.label.rule is not None)]
    if task.loss == "binary_crossentropy":
        axes, num_outputs = axes[:-1], axes[-1]
    else:
        num_outputs = NUM_OUTPUTS[task.loss]
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 1, (*axes, num_outputs)).astype("float32")
    if task.loss == "box":
        return np.sort(p, axis=-1)
    return p / p.sum(-1, keepdims=True)


def of_elements(task, label, present):
    """`present` of the label's own shape."""
    if task.label.rule is None:
        return present
    return np.repeat(present[:, None], label.shape[-1], axis=1)


def test_arrays_and_tensors_agree(labels):
    task, label, present = labels
    expected = of_elements(task, label, present)
    received = task.label.present(label)
    assert isinstance(received, np.ndarray)
    np.testing.assert_array_equal(received, expected)
    received = task.label.present(keras.ops.convert_to_tensor(label))
    assert not isinstance(received, np.ndarray)
    np.testing.assert_array_equal(to_numpy(received), expected)


def test_tensors_of_tf_data_agree(labels):
    import tensorflow as tf

    from mtl_keras.data import targets

    task, label, present = labels
    dataset = tf.data.Dataset.from_tensors(label).map(
        lambda one: (
            task.label.present(one),
            targets.weights({"a": one}, {"a": task})["a"],
        )
    )
    received, weight = dataset.get_single_element()
    expected = of_elements(task, label, present)
    np.testing.assert_array_equal(received.numpy(), expected)
    has_label = expected.reshape(len(label), -1).any(axis=1)
    np.testing.assert_array_equal(weight.numpy(), has_label)


def test_missing_labels_pass_the_check_of_arrays(labels):
    task, label, _ = labels
    task.label.check_array("a", label)
    assert not to_numpy(task.label.invalid(label)).any()


def test_a_missing_label_is_a_stratum_of_its_own(labels):
    task, label, present = labels
    if task.loss == "box" or task.label.rule is None:
        expected = present
    else:
        expected = of_elements(task, label, present)
    codes = splits.strata({"a": label}, [task])
    np.testing.assert_array_equal(
        codes > 0, np.reshape(expected, (len(label), -1))
    )


class Seen:
    """Stands for a metric and keeps the weights it is called with."""

    def update_state(self, label, prediction, sample_weight):
        self.weight = to_numpy(sample_weight)


@pytest.mark.parametrize("weight", [[1, 1, 1, 1], [2, 1, 0, 0.5]])
def test_losses_and_metrics_see_the_labels_that_count(labels, weight):
    task, label, present = labels
    p = predictions(task, label)
    weight = np.array(weight, "float32")
    weights = present * weight.reshape(-1, *[1] * (present.ndim - 1))
    loss = losses.get(task.loss)
    batch = LabelledBatch(task, loss, label, p, weight, None)
    assert float(batch.count) == (weights > 0).sum()
    assert float(batch.num_invalid) == 0
    # The same loss on each label that counts alone, without weights.
    total = 0.0
    for index in np.argwhere(weights > 0):
        one = tuple(slice(i, i + 1) for i in index)
        alone = LabelledBatch(task, loss, label[one], p[one], None, None)
        total += weights[tuple(index)] * float(alone.total)
    assert_close(batch.total, total)

    plain, weighted = Seen(), Seen()
    split = {"a": [metrics.get("auc")]}
    board = TaskTracking(
        {"a": ("a",)}, {"a": [plain]}, {"a": [weighted]}, split
    )
    batch = {"a": label}, {"a": p}, {"a": weight}, {"a": task}
    _, _, marks = board.update_metrics(*batch, collect=True)["a"]
    np.testing.assert_array_equal(to_numpy(marks), weights > 0)
    np.testing.assert_array_equal(plain.weight, weights > 0)
    assert_close(weighted.weight, weights)


@pytest.mark.parametrize("what", ["classes, -1", "one-hot, one part NaN"])
def test_class_weights_multiply_the_loss_of_their_class(what):
    spec, loss, label, _ = CASES[what]
    task, loss = Task("a", loss=loss, label=spec), losses.get(loss)
    p = predictions(task, label)
    table = [2.0, 3.0, 5.0]
    received = LabelledBatch(task, loss, label, p, None, table)
    classes = [2, 0] if what == "classes, -1" else [1, 2]
    # The first and the third label are present.
    expected = sum(
        table[number] * -np.log(p[row, number])
        for row, number in zip([0, 2], classes, strict=True)
    )
    assert_close(received.total, expected)
    assert float(received.count) == 2


def test_a_mean_is_undefined_before_and_exact_after_the_first_label():
    means = LabelMeans(2, "means")
    np.testing.assert_array_equal(to_numpy(means.result()), [NAN, NAN])
    means.update_state([3.0, 0.0], [1.0, 0.0])
    np.testing.assert_array_equal(to_numpy(means.result()), [3, NAN])
    means.update_state([5.0, 2.0], [3.0, 1.0])
    np.testing.assert_array_equal(to_numpy(means.result()), [2, 2])


def test_a_mean_over_vectors_leaves_out_those_with_a_missing_part():
    metric = keras.metrics.CosineSimilarity()
    label = np.array([[3, 4], [1, 0], [0, 2]], "float32")
    weight = np.array([[1, 1], [1, 0], [0, 0]], "float32")
    p = np.array([[4, 3], [1, 0], [2, 0]], "float32")
    update_metric(metric, LabelSpec((2,)), label, p, weight)
    assert_close(metric.result(), 24 / 25)


def test_batches_without_labels_have_no_weight_in_a_split():
    ones = np.ones((2, 3), "float32")
    split = SplitCollection()
    split.add(packed({"a": (None, ones, None)}))
    split.add(packed({"a": (ones[:, :2], ones[:, :2], ones[:, :2])}))
    label, prediction, weight = (part["a"] for part in split.arrays())
    assert prediction.shape == (4, 3)
    np.testing.assert_array_equal(label[:2], np.zeros((2, 2)))
    np.testing.assert_array_equal(weight, [[0, 0], [0, 0], [1, 1], [1, 1]])


def test_an_illegal_label_is_counted_and_read_by_no_loss(labels):
    task, label, present = labels
    first = np.zeros_like(present)
    first[(0,) * present.ndim] = True
    illegal = label.copy()
    illegal[of_elements(task, label, first)] = 7
    p = predictions(task, label)
    loss = losses.get(task.loss)
    batch = LabelledBatch(task, loss, illegal, p, None, None)
    assert float(batch.num_invalid) == 1
    assert float(batch.count) == present.sum() - 1
    assert np.isfinite(float(batch.total))
    with pytest.raises(ValueError, match="example 0"):
        task.label.check_array("a", illegal)


@pytest.mark.parametrize("weight", [[2, 3, 0.5, 4], [[2], [3], [0.5], [4]]])
def test_weights_are_zero_where_a_label_is_missing(labels, weight):
    task, label, present = labels
    weight = np.array(weight, "float32")
    batch = BatchLabels(task, label, weight)
    expected = present * weight.reshape(-1, *[1] * (present.ndim - 1))
    assert_close(batch.weights(), expected)
    np.testing.assert_array_equal(to_numpy(batch.marks()), present)


def test_class_numbers_of_one_hot_labels():
    spec, _, label, present = CASES["one-hot, one part NaN"]
    numbers = to_numpy(BatchLabels(Task("a", label=spec), label).numbers)
    np.testing.assert_array_equal(numbers[np.array(present, bool)], [1, 2])
