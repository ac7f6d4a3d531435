"""Statistics are those of the data, and nothing else changes."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, merge
from tests import test_case as case

X = np.random.default_rng(0).normal(3.0, 2.0, size=(64, 3)).astype("float32")


def build(nested):
    keras.utils.set_random_seed(0)
    inner = keras.Input((3,))
    first = keras.layers.BatchNormalization(name="norm")
    features = keras.layers.Dropout(0.9)(first(inner))
    if nested:
        backbone = keras.Model(inner, features)
        inner = keras.Input((3,))
        features = backbone(inner)
    features = keras.layers.Dense(4, name="dense")(features)
    last = keras.layers.BatchNormalization(name="last")
    outputs = {"det": keras.layers.Dense(1, name="det")(last(features))}
    return MultiTaskModel(inner, outputs), first, last


@pytest.mark.parametrize("nested", [False, True])
def test_statistics_are_means_over_the_batches(nested):
    model, first, last = build(nested)
    assert merge.reestimate_statistics(model, X, batch_size=16) == 2
    batches = X.reshape(4, 16, 3)
    case.assert_close(first.moving_mean, X.mean(0), rtol=1e-4)
    case.assert_close(first.moving_variance, batches.var(1).mean(0), rtol=1e-4)
    # The second layer has seen the first one's output, without dropout.
    scaled = (batches - batches.mean(1, keepdims=True)) / np.sqrt(
        batches.var(1, keepdims=True) + 1e-3
    )
    kernel, bias = model.get_layer("dense").get_weights()
    features = scaled @ kernel + bias
    case.assert_close(last.moving_mean, bias, atol=1e-4)
    case.assert_close(last.moving_variance, features.var(1).mean(0), rtol=1e-3)
    assert first.momentum == last.momentum == 0.99


def test_frozen_layers_and_models_without_any_keep_theirs():
    model, first, _ = build(False)
    first.trainable = False
    assert merge.reestimate_statistics(model, X) == 1
    case.assert_close(first.moving_mean, np.zeros(3))
    with pytest.raises(ValueError, match="must have a batch"):
        merge.reestimate_statistics(model, X[:0])
    for data in (None, "x"):
        with pytest.raises(ValueError, match="must be arrays of inputs"):
            merge.reestimate_statistics(model, data)
    with pytest.raises(ValueError, match=r"inputs.*Received.*\(64, 2\)"):
        merge.reestimate_statistics(model, X[:, :2])
    with pytest.raises(ValueError, match="`batch_size`"):
        merge.reestimate_statistics(model, X, batch_size=0)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a tf.data.Dataset"
)
def test_a_dataset_of_batches_is_read():
    import tensorflow as tf

    model, first, _ = build(False)
    data = tf.data.Dataset.from_tensor_slices((X, X)).batch(32)
    merge.reestimate_statistics(model, data)
    case.assert_close(first.moving_mean, X.mean(0), rtol=1e-4)
