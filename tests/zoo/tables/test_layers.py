"""Each column is embedded by a kernel of its own."""

import keras
import numpy as np
import pytest

from zoo.tables.layers import ColumnEmbedding


def test_values_are_those_of_a_layer_for_each_column():
    columns = ["a", "b", "a", "b", "b"]
    layer = ColumnEmbedding(columns, 3)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    received = keras.ops.convert_to_numpy(layer(x)).reshape(4, 2, 3)
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in layer.weights)
    for index, places in enumerate(([0, 2], [1, 3, 4])):
        own = bias.reshape(2, 3)[index]
        expected = np.maximum(x[:, places] @ kernel[places] + own, 0)
        np.testing.assert_allclose(received[:, index], expected, atol=1e-6)
    assert layer.compute_output_shape((4, 5)) == (4, 6)


def test_config_gives_the_same_layer():
    layer = ColumnEmbedding(["a", "a", "b", "a"], 2, name="codes")
    again = ColumnEmbedding.from_config(layer.get_config())
    assert (again.columns, again.units) == (layer.columns, layer.units)
    assert again.name == "codes"


def test_another_number_of_features_is_refused():
    with pytest.raises(ValueError, match="expects 2 features"):
        ColumnEmbedding(["a", "b"], 2)(np.zeros((1, 3), "float32"))
