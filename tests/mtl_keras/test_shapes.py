"""Masks and sample weights get the shape of the loss values."""

import numpy as np
import pytest

from mtl_keras.shapes import align
from tests.test_case import to_numpy


def aligned(weights, shape, what="sample_weight"):
    values = np.zeros(shape, "float32")
    return to_numpy(align(np.asarray(weights), values, "a", what=what))


def test_same_shape_stays():
    weights = np.arange(6, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(aligned(weights, (2, 3)), weights)


def test_one_weight_an_example_holds_for_all_its_labels():
    np.testing.assert_array_equal(
        aligned([1.0, 2.0], (2, 3)), [[1, 1, 1], [2, 2, 2]]
    )


def test_axes_of_one_at_the_end_go():
    np.testing.assert_array_equal(aligned([[1.0], [2.0]], (2,)), [1, 2])


def test_mask_asks_for_every_part_that_the_loss_has_reduced():
    mask = [[True, True], [True, False]]
    np.testing.assert_array_equal(aligned(mask, (2,), "mask"), [1, 0])


@pytest.mark.parametrize("dtype", ["bool", "int32", "float64", "float16"])
def test_result_is_float32(dtype):
    assert aligned(np.ones(2, dtype), (2, 3)).dtype == np.float32


@pytest.mark.parametrize(
    ("weights", "shape"),
    [((2, 3), (2,)), ((2, 3), (2, 4)), ((3,), (2,)), ((2, 3, 4), (2, 3))],
)
def test_weights_of_another_shape(weights, shape):
    with pytest.raises(ValueError, match="'a'.*sample_weight.*Received"):
        aligned(np.ones(weights, "float32"), shape)
