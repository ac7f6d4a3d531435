"""Trains on one and on two devices of JAX; prints what differs, as JSON."""

import json

import jax
import keras
import numpy as np

from tests import test_case as case

LOSS = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_crossentropy",
    "box": "mse",
}


def train(devices):
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=devices)
    )
    x, labels = case.vector_data(70)
    labels["box"][:32] = np.nan
    model = case.vector_model()
    model.compile(
        keras.optimizers.Adam(
            0.01, use_ema=True, ema_momentum=0.8, global_clipnorm=0.05
        ),
        loss=LOSS,
        loss_weights={"cls": 0.5},
        metrics={"det": ["accuracy", "auc"], "box": ["iou"]},
    )
    history = {}
    # Twice: averages and weights must not share an array.
    for _ in range(2):
        history = model.fit(
            x,
            labels,
            batch_size=32,
            shuffle=False,
            verbose=0,
            validation_data=(x, labels),
        ).history
    kernel = model.get_layer("trunk").kernel.value
    return (
        model.get_weights(),
        {key: values[-1] for key, values in history.items()},
        len(kernel.sharding.device_set),
    )


def main():
    devices = [f"cpu:{index}" for index in range(len(jax.devices()))]
    one, logs, num_devices = train(devices[:1])
    two, logs_of_two, num_devices_of_two = train(devices)
    print(
        json.dumps(
            {
                "devices": [num_devices, num_devices_of_two],
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
