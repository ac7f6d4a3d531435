"""Models built twice, of `keras.Model` and of `MultiTaskModel`, and data."""

import keras
import numpy as np
from keras import layers, ops

_RNG = np.random.default_rng(0)
NUM = 20
X = _RNG.normal(size=(NUM, 4)).astype("float32")
PRICE = X.sum(axis=1)
SOLD = (X[:, 0] > 0).astype("float32")
KIND = _RNG.integers(0, 3, NUM)
ONE_HOT = np.eye(3, dtype="float32")[KIND]
WEIGHT = _RNG.uniform(0.1, 2.0, NUM).astype("float32")
TOKENS = _RNG.integers(1, 9, (NUM, 5))
TOKENS[::2, 3:] = 0
TAGS = _RNG.integers(0, 3, (NUM, 5))
LENGTHS = _RNG.normal(size=(NUM, 5, 1)).astype("float32")
TOKEN_WEIGHT = _RNG.uniform(0.1, 2.0, (NUM, 5)).astype("float32")

LABELS = {"price": PRICE, "sold": SOLD, "kind": KIND}
LOSSES = {
    "price": "mse",
    "sold": "binary_crossentropy",
    "kind": "sparse_categorical_crossentropy",
}
TAG_LABELS = {"tag": TAGS, "length": LENGTHS}
TAG_LOSSES = {"tag": "sparse_categorical_crossentropy", "length": "mse"}


class AbsoluteError(keras.losses.Loss):
    """A user's own loss, which does not align ranks itself."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred), -1)


def absolute_error(y_true, y_pred):
    return ops.mean(ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred), axis=-1)


class MeanError(keras.metrics.Metric):
    """A user's own metric, which does not align ranks itself."""

    def __init__(self, name="mean_error"):
        super().__init__(name=name)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        del sample_weight
        errors = ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred)
        self.total.assign_add(ops.sum(errors))
        self.count.assign_add(ops.cast(ops.size(errors), "float32"))

    def result(self):
        return self.total / self.count


def dense(model_class, between=None, tasks=("price", "sold", "kind")):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,), name="x")
    features = layers.Dense(8, "tanh", kernel_regularizer="l2")(inputs)
    if between is not None:
        features = between()(features)
    outputs = {
        "price": layers.Dense(1, name="price")(features),
        "sold": layers.Dense(1, "sigmoid", name="sold")(features),
        "kind": layers.Dense(3, "softmax", name="kind")(features),
    }
    return model_class(inputs, {name: outputs[name] for name in tasks})


def tagger(model_class, recurrent=False):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,), dtype="int32", name="x")
    features = layers.Embedding(9, 6, mask_zero=True)(inputs)
    if recurrent:
        features = layers.LSTM(6, return_sequences=True)(features)
    outputs = {
        "tag": layers.Dense(3, "softmax", name="tag")(features),
        "length": layers.Dense(1, name="length")(features),
    }
    return model_class(inputs, outputs)


def trained(model, compiled, data, **options):
    """The last logs of a short training, and the weights' absolute sum."""
    compiled = {"run_eagerly": True, **compiled}
    model.compile(keras.optimizers.SGD(0.1), **compiled)
    options = {"epochs": 2, "verbose": 0, "shuffle": False, **options}
    if isinstance(data, tuple):
        options = {"batch_size": 10, **options}
    else:
        data = (data,)
    logs = model.fit(*data, **options).history
    values = {key: steps[-1] for key, steps in logs.items()}
    values["weights"] = sum(np.abs(w).sum() for w in model.get_weights())
    return values
