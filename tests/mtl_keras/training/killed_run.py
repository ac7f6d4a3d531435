"""Trains a small model and kills itself at a chosen moment (`kill -9`)."""

import os
import signal
import sys

import keras
import tensorflow as tf

from mtl_keras import data, training
from mtl_keras.training import progress, report
from mtl_keras.training import run as running
from tests import test_case as case


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment):
    """Kills the process the second time that a moment comes."""
    owner, name, when = {
        "batch": (running._EpochEnd, "on_train_batch_end", "after"),
        "line": (report.MetricsFile, "append", "after"),
        "checkpoint": (os, "replace", "before"),
        "epoch": (progress.Progress, "end_epoch", "after"),
    }[moment]
    wanted = {"batch": 5, "line": 2, "checkpoint": 2, "epoch": 2}[moment]
    original, count = getattr(owner, name), [0]

    def counted(*args, **kwargs):
        if moment != "checkpoint" or str(args[1]).endswith("checkpoint.npz"):
            count[0] += 1
        if when == "before" and count[0] == wanted:
            die()
        result = original(*args, **kwargs)
        if when == "after" and count[0] == wanted:
            die()
        return result

    setattr(owner, name, counted)


def main(workdir, moment, callbacks=()):
    keras.utils.set_random_seed(3)
    model = case.vector_model()
    dropped = keras.layers.Dropout(0.2, name="dropout")(
        model.get_layer("trunk").output
    )
    model = type(model)(
        model.inputs,
        {n: model.get_layer(n)(dropped) for n in ("box", "cls", "det")},
        tasks=case.TASKS,
    )
    x, labels = case.vector_data(90)
    examples = tf.data.Dataset.from_tensor_slices((x, labels))

    def epoch(number):
        return data.pipeline(
            examples,
            case.TASKS,
            batch_size=32,
            training=True,
            seed=1,
            epoch=number,
        )

    if moment != "none":
        arm(moment)
    training.train_and_evaluate(
        model,
        {"train": epoch, "validation": epoch(0)},
        {
            "model": "vector",
            "epochs": 4,
            "batch_size": 32,
            "seed": 3,
            "monitor": "val_loss",
            "optimizer": {
                "name": "adamw",
                "learning_rate": 0.01,
                "schedule": "cosine",
                "warmup_epochs": 1,
            },
            "jit_compile": False,
        },
        workdir,
        callbacks=callbacks,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
