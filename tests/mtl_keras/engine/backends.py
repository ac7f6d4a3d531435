"""Trains small models from given weights on this backend; saves the ends."""

import sys

import keras
import numpy as np
from keras import layers

from mtl_keras import MultiTaskModel
from mtl_keras.optimizers import PerPart
from tests import test_case as case

LOSS = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_cross_entropy",
    "box": "box",
}
# Where a test compares balancers; the box loss takes a fifth of the time.
SIMPLE_LOSS = {**LOSS, "box": "mse"}


def network(kind):
    """A model of a kind, its inputs and labels; nothing is drawn at random."""
    policy = kind if kind.startswith("mixed") else "float32"
    keras.config.set_dtype_policy(policy)
    try:
        return _network(kind)
    finally:
        keras.config.set_dtype_policy("float32")


def tolerance(kind):
    """How far apart the backends may be: by the rounding of the type."""
    return {"mixed_float16": 2e-3, "mixed_bfloat16": 2e-2}.get(kind, 1e-5)


def _network(kind):
    x, labels = case.vector_data(80)
    inputs = keras.Input((8,), name="x")
    features = inputs
    if kind == "embedding":
        inputs = keras.Input((6,), dtype="int32", name="x")
        x = np.abs((x[:, :6] * 10).astype("int32")) % 12
        features = layers.Embedding(12, 5, name="embedding")(inputs)
        features = layers.GlobalAveragePooling1D()(features)
    regularizer = keras.regularizers.L2(0.01) if kind == "l2" else None
    trunk = layers.Dense(
        16, "tanh", name="trunk", kernel_regularizer=regularizer
    )(features)
    if kind == "norm":
        trunk = layers.BatchNormalization(name="norm")(trunk)
    outputs = {
        "cls": layers.Dense(3, "softmax", name="cls")(trunk),
        "det": layers.Dense(1, "sigmoid", name="det")(trunk),
        "box": layers.Dense(4, "sigmoid", name="box")(trunk),
    }
    model = MultiTaskModel(inputs, outputs)
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        if "norm" not in variable.path:
            value = rng.normal(size=variable.shape) * 0.3
            variable.assign(value.astype("float32"))
    return model, x, labels


OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "clip": lambda: keras.optimizers.Adam(0.01, global_clipnorm=0.1),
    "decay": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "average": lambda: keras.optimizers.SGD(0.05, use_ema=True),
    "accumulate": lambda: keras.optimizers.SGD(
        0.05, gradient_accumulation_steps=2
    ),
    "clipnorm": lambda: keras.optimizers.SGD(0.1, clipnorm=0.05),
    "clipvalue": lambda: keras.optimizers.SGD(0.1, clipvalue=0.01),
    "overwrite": lambda: keras.optimizers.SGD(
        0.05, use_ema=True, ema_overwrite_frequency=2
    ),
    "schedule": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(0.1, 5)
    ),
    # No step overflows: near the largest number, the order of a sum decides.
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.05), initial_scale=2.0**100
    ),
    "parts": lambda: PerPart(
        {
            "trunk": keras.optimizers.AdamW(
                0.01, weight_decay=0.1, use_ema=True, clipnorm=0.05
            ),
            "heads": keras.optimizers.SGD(0.05, gradient_accumulation_steps=2),
        }
    ),
}
CASES = [
    *((name, "plain", {}) for name in OPTIMIZERS),
    ("adam", "norm", {}),
    ("adam", "l2", {}),
    # Keras's Adam moves the rows of an embedding that a batch does not read
    # on JAX and leaves them on TensorFlow; SGD is the same on both.
    ("sgd", "embedding", {}),
    ("adam", "norm", {"jit_compile": True}),
    ("sgd", "plain", {"steps_per_execution": 2}),
    ("sgd", "plain", {"loss_weights": {"cls": 0.3, "box": 2.0}}),
    ("sgd", "plain", {"jit_compile": False}),
    ("sgd", "plain", {"shared_regularizer": "l2"}),
    ("accumulate", "norm", {"steps_per_execution": 2}),
    ("clip", "l2", {"jit_compile": True}),
    # The half types: see `tolerance`.
    ("sgd", "mixed_float16", {}),
    ("sgd", "mixed_bfloat16", {}),
    ("clipnorm", "mixed_float16", {"jit_compile": True}),
]


def main(path):
    arrays = {}
    for number, (optimizer, kind, options) in enumerate(CASES):
        model, x, labels = network(kind)
        # Metrics, validation and an uneven last batch are another compilation
        # each, and the same whatever the optimizer: the first case has them.
        is_first = number == 0
        num_rows = 70 if is_first else 80
        labels = {name: values[:num_rows] for name, values in labels.items()}
        data = (x[:num_rows], labels)
        model.compile(
            OPTIMIZERS[optimizer](),
            loss=LOSS,
            metrics={"det": ["auc", "accuracy"]} if is_first else None,
            **options,
        )
        history = model.fit(
            *data,
            batch_size=16,
            shuffle=False,
            verbose=0,
            validation_data=data if is_first else None,
        ).history
        for index, weight in enumerate(model.get_weights()):
            arrays[f"{number}/weight/{index}"] = weight
        for key, values in history.items():
            arrays[f"{number}/log/{key}"] = np.float64(values[-1])
    np.savez(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
