"""Masks and sample weights get the shape of the values they weigh."""

import numpy as np
import pytest

from mtl_keras import shapes
from tests.test_case import to_numpy


def aligned(weights, shape, what="sample_weight"):
    values = np.zeros(shape, "float32")
    return to_numpy(shapes.align(np.asarray(weights), values, "a", what=what))


def test_same_shape_stays():
    weights = np.arange(6, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(aligned(weights, (2, 3)), weights)


def test_one_weight_an_example_holds_for_all_its_labels():
    np.testing.assert_array_equal(
        aligned([1.0, 2.0], (2, 3)), [[1, 1, 1], [2, 2, 2]]
    )


def test_axes_of_one_at_the_end_go():
    np.testing.assert_array_equal(aligned([[1.0], [2.0]], (2,)), [1, 2])


def test_an_axis_of_one_behind_the_batch_broadcasts():
    weights = np.arange(6, dtype="float32").reshape(2, 1, 3)
    np.testing.assert_array_equal(
        aligned(weights, (2, 4, 3)), np.repeat(weights, 4, axis=1)
    )


def test_mask_requires_every_part_that_the_loss_has_reduced():
    mask = [[True, True], [True, False]]
    np.testing.assert_array_equal(aligned(mask, (2,), "mask"), [1, 0])


@pytest.mark.parametrize("dtype", ["bool", "int32", "float64", "float16"])
def test_result_is_float32(dtype):
    assert aligned(np.ones(2, dtype), (2, 3)).dtype == np.float32


@pytest.mark.parametrize(
    ("weights", "shape"),
    [
        ((2, 3), (2,)),
        ((2, 3), (2, 4)),
        ((3,), (2,)),
        ((2, 3, 4), (2, 3)),
        # One weight for two examples: whose?
        ((1,), (2,)),
        ((1, 3), (2, 3)),
    ],
)
@pytest.mark.parametrize("owner", ["Task", "Metric"])
def test_weights_of_another_shape(weights, shape, owner):
    with pytest.raises(ValueError) as error:
        shapes.align(
            np.ones(weights, "float32"),
            np.zeros(shape, "float32"),
            "a",
            what="sample_weight",
            owner=owner,
        )
    assert str(error.value) == (
        f"{owner} 'a' expects `sample_weight` of shape (batch,) or {shape}. "
        f"Received: sample_weight of shape {weights}"
    )


def test_without_weights_every_value_counts_once():
    values = np.zeros((2, 3), "bool")
    weights = to_numpy(shapes.metric_weights("a", None, values))
    np.testing.assert_array_equal(weights, np.ones((2, 3)))
    assert weights.dtype == np.float32


def test_the_least_weight_of_a_vector_s_elements_is_its_weight():
    vectors = np.zeros((2, 3), "float32")
    weights = np.array([[0.5, 2, 1], [1, 0, 1]], "float32")
    reduced = shapes.vector_weights(weights, vectors)
    np.testing.assert_array_equal(to_numpy(reduced), [0.5, 0])


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_weights_of_whole_vectors_stay(shape):
    vectors = np.zeros((2, 3), "float32")
    weights = np.arange(2, dtype="float32").reshape(shape)
    reduced = shapes.vector_weights(weights, vectors)
    np.testing.assert_array_equal(to_numpy(reduced), weights)


def test_a_value_without_weight_may_be_nan():
    values = np.array([1.0, np.nan, 3.0], "float32")
    weight = np.array([2.0, 0.0, 0.5], "float32")
    assert float(shapes.weighted_sum(values, weight)) == 3.5


@pytest.mark.parametrize(
    ("labels", "predictions", "expected"),
    [
        ((4,), (4,), True),
        ((4,), (4, 1), True),
        ((4, 3), (4, 3), True),
        ((4,), (4, 3), False),
        ((4, 1), (4, 3), False),
        ((4, 5), (4, 5, 3), False),
    ],
)
def test_binary_or_classes_follows_from_the_shapes(
    labels, predictions, expected
):
    received = shapes.is_binary(np.zeros(labels), np.zeros(predictions))
    assert received is expected


@pytest.mark.parametrize("labels", [(3,), (3, 1)])
def test_class_numbers_become_one_hot(labels):
    y = np.array([2, 0, 1]).reshape(labels)
    p = np.zeros((3, 3), "float32")
    received = to_numpy(shapes.class_probabilities("a", y, p))
    np.testing.assert_array_equal(received, np.eye(3)[[2, 0, 1]])


def test_class_probabilities_stay():
    y = np.array([[0.25, 0.75], [1, 0]])
    p = np.zeros((2, 2), "float32")
    received = to_numpy(shapes.class_probabilities("a", y, p))
    np.testing.assert_array_equal(received, y)
