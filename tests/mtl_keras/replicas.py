"""Trains on one device and on two replicas; prints what differs, as JSON."""

import json

import keras
import numpy as np
import tensorflow as tf

from tests import test_case as case

LOSS = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_crossentropy",
    "box": "mse",
}


def train(scope):
    x, labels = case.vector_data(70)
    # One batch in which a task has no label at all, on either replica.
    labels["box"][:32] = np.nan
    with scope:
        model = case.vector_model()
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            loss=LOSS,
            loss_weights={"cls": 0.5},
            metrics={"det": ["accuracy", "auc"], "box": ["iou"]},
        )
    history = model.fit(
        x,
        labels,
        batch_size=32,
        epochs=2,
        shuffle=False,
        verbose=0,
        validation_data=(x, labels),
    ).history
    logs = {key: values[-1] for key, values in history.items()}
    return model.get_weights(), logs


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one, logs = train(tf.device("CPU:0"))
    two, logs_of_two = train(strategy.scope())
    print(
        json.dumps(
            {
                "replicas": strategy.num_replicas_in_sync,
                "weights": max(
                    float(np.abs(a - b).max())
                    for a, b in zip(one, two, strict=True)
                ),
                "logs": logs,
                "logs_of_two": logs_of_two,
            }
        )
    )


if __name__ == "__main__":
    main()
