"""Trains in one process, or as one of two workers; saves the ends.

`python -m tests.mtl_keras.engine.workers FILE [INDEX PORT PORT]`
"""

import contextlib
import json
import os
import sys


def main(path, index=None, *ports):
    if index is not None:
        workers = [f"localhost:{port}" for port in ports]
        os.environ["TF_CONFIG"] = json.dumps(
            {
                "cluster": {"worker": workers},
                "task": {"type": "worker", "index": int(index)},
            }
        )
    import tensorflow as tf

    strategy = None
    if index is not None:
        # Before anything else of TensorFlow: it opens the ports.
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    import keras
    import numpy as np

    from tests import test_case as case

    x, labels = case.vector_data(70)
    # No worker of the first batch has a box, and the last batch is uneven.
    labels["box"][:32] = np.nan
    ends = {}
    for balancer in ("equal", "uncertainty", "cagrad"):
        scope = strategy.scope() if strategy else contextlib.nullcontext()
        weights = balancer
        if balancer == "cagrad":
            from mtl_keras import balancing

            weights = balancing.CAGrad(on="features")
        with scope:
            model = case.vector_model()
            model.compile(
                keras.optimizers.SGD(0.1, momentum=0.9),
                loss={
                    "cls": "sparse_categorical_crossentropy",
                    "det": "binary_crossentropy",
                    "box": "mse",
                },
                loss_weights=weights,
                metrics={"det": ["accuracy", "auc"]},
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
        for key, values in history.items():
            ends[f"{balancer} log {key}"] = values[-1]
        for place, weight in enumerate(model.get_weights()):
            ends[f"{balancer} weight {place}"] = weight
    np.savez(path, **ends)


if __name__ == "__main__":
    main(*sys.argv[1:])
