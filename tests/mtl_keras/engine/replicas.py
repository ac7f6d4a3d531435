"""Trains on one device and on two replicas; prints what differs, as JSON."""

import json

import keras
import numpy as np
import tensorflow as tf
from keras import optimizers

from mtl_keras import balancing
from mtl_keras.optimizers import PerPart
from tests import test_case as case
from tests.mtl_keras.groups import twins

LOSS = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_crossentropy",
    "box": "mse",
}
OPTIMIZERS = {
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "adam": lambda: optimizers.Adam(
        0.01, use_ema=True, ema_momentum=0.8, global_clipnorm=0.05
    ),
    # Adam hides the length of a gradient; SGD does not.
    "clipnorm": lambda: optimizers.SGD(0.1, clipnorm=0.05),
    "clipvalue": lambda: optimizers.SGD(0.1, clipvalue=0.01),
    "parts": lambda: optimizers.LossScaleOptimizer(
        PerPart(
            {
                "trunk": optimizers.AdamW(0.01, weight_decay=0.1),
                "heads": optimizers.SGD(0.1, global_clipnorm=0.05),
            }
        ),
        initial_scale=1024.0,
    ),
    # The gradient of the second replica overflows, and of it alone.
    "overflow": lambda: optimizers.LossScaleOptimizer(
        optimizers.SGD(0.1), initial_scale=2.0**100
    ),
}
METRICS = {"det": ["accuracy", "auc"], "box": ["iou"]}


def train(scope, name):
    x, labels = case.vector_data(70)
    # One batch in which a task has no label at all, on either replica.
    labels["box"][:32] = np.nan
    weight = np.ones(70, "float32")
    if name == "overflow":
        weight[16:32] = 1e20
    with scope:
        model = case.vector_model()
        model.compile(
            OPTIMIZERS[name](),
            loss=LOSS,
            loss_weights={"cls": 0.5},
            metrics=METRICS if name == "momentum" else None,
        )
    history = model.fit(
        x,
        labels,
        sample_weight=weight,
        batch_size=32,
        epochs=2,
        shuffle=False,
        verbose=0,
        validation_data=(x, labels) if name == "momentum" else None,
    ).history
    logs = {key: values[-1] for key, values in history.items()}
    return model.get_weights(), logs


def train_group(scope, balancer):
    """Trains a group, a member of which has no labels on one replica."""
    x, labels = twins.data(num_examples=70)
    labels[:16, 5] = -1
    with scope:
        model = twins.model(is_group=True)
        model.compile(
            optimizers.SGD(0.3),
            loss_weights=balancer and balancing.get(balancer, on="features"),
        )
    history = model.fit(
        x,
        {twins.GROUP: labels},
        batch_size=32,
        epochs=2,
        shuffle=False,
        verbose=0,
    ).history
    logs = {key: values[-1] for key, values in history.items()}
    return model.get_weights(), logs


def refusal(strategy):
    """What `fit` says of an option that replicas cannot take."""
    x, labels = case.vector_data(32)
    with strategy.scope():
        model = case.vector_model()
        model.compile("sgd", steps_per_execution=2)
    try:
        model.fit(x, labels, verbose=0)
    except ValueError as error:
        return str(error)
    return None


def nonfinite(strategy):
    """What `fit` says of NaN in one replica's half of the third batch."""
    x, labels = case.vector_data(64)
    # Batches of 16: the first replica takes the rows from 32 to 39.
    x[42, 0] = np.nan
    with strategy.scope():
        model = case.vector_model()
        model.compile("sgd", LOSS)
    try:
        model.fit(x, labels, batch_size=16, shuffle=False, verbose=0)
    except ValueError as error:
        return str(error)
    return None


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    found = {
        "replicas": strategy.num_replicas_in_sync,
        "refusal": refusal(strategy),
        "nonfinite": nonfinite(strategy),
    }
    start = case.vector_model().get_weights()
    for name in OPTIMIZERS:
        keras.backend.clear_session()
        one, logs = train(tf.device("CPU:0"), name)
        two, logs_of_two = train(strategy.scope(), name)
        found[name] = {
            "weights": _apart(one, two),
            "moved": _apart(one, start),
            "logs": logs,
            "logs_of_two": logs_of_two,
        }
    start = twins.model(is_group=True).get_weights()
    for name, balancer in {"group": None, "group_cagrad": "cagrad"}.items():
        keras.backend.clear_session()
        one, logs = train_group(tf.device("CPU:0"), balancer)
        two, logs_of_two = train_group(strategy.scope(), balancer)
        found[name] = {
            "weights": _apart(one, two),
            "moved": _apart(one, start),
            "logs": logs,
            "logs_of_two": logs_of_two,
        }
    print(json.dumps(found))


def _apart(first, second):
    return max(
        float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True)
    )


if __name__ == "__main__":
    main()
