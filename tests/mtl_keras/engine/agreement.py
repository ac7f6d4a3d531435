"""Trains with balancers on this backend, on one device or on two replicas.

`python -m tests.mtl_keras.engine.agreement FILE REPLICAS NAME=ROWS...` saves
the weights and logs after two epochs of each method, from the same state.
REPLICAS is `1`, or `1,2` for both, in a file each: FILE is the folder.
"""

import contextlib
import sys
from pathlib import Path

import keras
import numpy as np

from mtl_keras import balancing
from tests.mtl_keras.engine.backends import SIMPLE_LOSS, network


def two_replicas():
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope


def train(name, scope, num_rows):
    """Steps of 16; `box` has no label in the second."""
    with scope:
        model, x, labels = network("plain")
        labels["box"][16:32] = np.nan
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            loss=SIMPLE_LOSS,
            loss_weights=balancing.get(name, monitor=True),
        )
    # Some methods move by epoch.
    logs = {}
    for _ in range(2):
        history = model.fit(
            x[:num_rows],
            {task: values[:num_rows] for task, values in labels.items()},
            batch_size=16,
            shuffle=False,
            verbose=0,
        ).history
        logs = {key: values[-1] for key, values in history.items()}
    state = [keras.ops.convert_to_numpy(v) for v in model.balancer.variables]
    return model.get_weights(), state, logs


def main(folder, replicas, *runs):
    scopes = {"1": contextlib.nullcontext}
    if "2" in replicas:
        scopes["2"] = two_replicas()
    for number, scope in scopes.items():
        arrays = {}
        for run in runs:
            name, _, num_rows = run.partition("=")
            weights, state, logs = train(name, scope(), int(num_rows))
            for group, values in (("weight", weights), ("state", state)):
                for index, array in enumerate(values):
                    arrays[f"{name}/{group}/{index}"] = array
            for key, value in logs.items():
                arrays[f"{name}/log/{key}"] = np.float64(value)
        np.savez(Path(folder) / f"{number}.npz", **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
