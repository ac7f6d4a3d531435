"""Vectors of numbers: each converted as the columns of a table are."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import ColumnPreprocessor, VectorPreprocessor

ROWS = np.array([[1.0, 10.0], [3.0, 30.0], [np.nan, 50.0]], "float32")
CONFIG = {
    "numbers": {"x00": [2.0, 1.0], "x01": [30.0, 20.0]},
    "quantiles": {"x01": [10.0, 20.0, 50.0]},
}
OTHER = {"numbers": {"x00": [0.0, 2.0]}}


def _both():
    return VectorPreprocessor({"a_input": CONFIG, "b_input": OTHER})


def test_numbers_are_those_of_columns():
    inputs, context = _both()({"a_input": ROWS, "b_input": ROWS[:, :1]})
    # Standardised, missing or not, and the code of the quantiles.
    expected = [
        [-1, -1, 0, 0, 0, 0],
        [1, 0, 0, 0, 1, 1 / 3],
        [0, 1, 1, 0, 1, 1],
    ]
    np.testing.assert_allclose(inputs["a_input"], expected, rtol=1e-6)
    np.testing.assert_allclose(
        inputs["b_input"], [[0.5, 0], [1.5, 0], [0, 1]], rtol=1e-6
    )
    assert context == {}
    assert _both().num_features == {"a_input": 6, "b_input": 2}


def test_one_example_is_a_row_of_the_batch():
    batch, _ = _both()({"a_input": ROWS, "b_input": ROWS[:, :1]})
    one, _ = _both()({"a_input": ROWS[1], "b_input": ROWS[1, :1]})
    for name, value in one.items():
        np.testing.assert_array_equal(value, batch[name][1])


def test_config_makes_the_same_preprocessor():
    again = VectorPreprocessor.from_config(_both().get_config())
    assert again.get_config() == _both().get_config()
    specs = again.input_signature()
    assert {name: tuple(spec.shape) for name, spec in specs.items()} == {
        "a_input": (None, 2),
        "b_input": (None, 1),
    }
    assert all(spec.dtype == tf.float32 for spec in specs.values())


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"a_input": ROWS}, "misses the vector 'b_input'"),
        ({"a_inputs": ROWS}, "Did you mean 'a_input'"),
        ({"a_input": ROWS[:, :1], "b_input": ROWS}, r"shape \(2,\) or"),
        ({"a_input": 1.0, "b_input": 1.0}, r"Received: shape \(\)"),
    ],
)
def test_other_inputs_are_refused(raw, message):
    with pytest.raises(ValueError, match=message):
        _both()(raw)


@pytest.mark.parametrize(
    "vectors",
    [
        {},
        {"a": {"numbers": {"age": [0.0, 1.0]}}},
        {"a": ColumnPreprocessor(categories={"x00": ["b"]}).get_config()},
    ],
)
def test_columns_are_numbers_in_order(vectors):
    with pytest.raises(ValueError, match="VectorPreprocessor expects"):
        VectorPreprocessor(vectors)
