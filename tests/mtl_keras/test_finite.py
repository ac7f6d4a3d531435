"""NaN and infinity are found in arrays of every dtype."""

import ml_dtypes
import numpy as np
import pytest

from mtl_keras import finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "complex64", ml_dtypes.bfloat16]
)
def test_one_value_is_enough(dtype, value):
    array = np.zeros((3, 4), dtype)
    assert finite.is_finite(array)
    array[1, 2] = value
    assert not finite.is_finite(array)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "S3", "U3"])
def test_what_holds_no_floats_is_finite(dtype):
    assert finite.is_finite(np.zeros(3, dtype))


def test_names_are_counted():
    assert finite.described(["a"]) == "the variable 'a'"
    assert finite.described(["a", "b"]) == "2 variables, the first 'a'"
