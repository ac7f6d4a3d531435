"""Fewer directions among the tasks: the trace norm of `soft`.

Eight tasks have labels `x w_k` plus noise of variance 1; the vectors `w_k` of
20 numbers are combinations of two, so the matrix of all tasks has rank 2. Each
task has 60 training examples. Trunks of one linear layer, tied by the trace
norm of several strengths; a strength of 0 are separate models. "Rank" counts
the singular values of the matrix of the learned kernels above 5% of the
largest one; the error is the mean squared difference from `x w_k`, without
the noise.
With 30 examples a task, a first set-up, strength 1 ended at rank 3.
"""

import keras
import numpy as np
from keras import layers, ops

import mtl_keras
from zoo.problems import models

_INPUTS, _TASKS, _RANK, _EXAMPLES = 20, 8, 2, 60
_STRENGTHS = (0.0, 0.3, 1.0, 2.0)


def run(seed: int) -> dict:
    """Trains one model for each strength."""
    (x, labels), (other, truth) = data(seed)
    rows = {}
    for strength in _STRENGTHS:
        model = models.build(
            seed,
            _INPUTS,
            [mtl_keras.Task(name, "regression", loss="mse") for name in labels],
            lambda x: layers.Dense(1, use_bias=False, name="kernel")(x),
            {"name": "soft", "norm": "trace", "strength": strength},
            head=lambda features, task: layers.Activation(
                "linear", name=task.name
            )(features),
        )
        models.train(model, x, labels, steps=2000, learning_rate=1e-2)
        rows[f"soft, strength {strength:g}"] = {
            "rank": learned_rank(model),
            "error": float(
                np.mean(list(models.errors(model, other, truth).values()))
            ),
        }
        keras.utils.clear_session()
    return rows


def learned_rank(model) -> int:
    """Counts the singular values of the tasks' kernels that matter."""
    kernels = [
        ops.convert_to_numpy(v).ravel() for v in model.trainable_variables
    ]
    values = np.linalg.svd(np.stack(kernels), compute_uv=False)
    return int(np.sum(values > 0.05 * values[0]))


def data(seed: int) -> list:
    """Draws training and test examples.

    Args:
        seed: Integer.

    Returns:
        List of two pairs of inputs and labels; a task's labels are missing
        but for its own examples, those of the test are without noise.
    """
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(_RANK, _INPUTS)) / np.sqrt(_RANK)
    vectors = rng.normal(size=(_TASKS, _RANK)) @ directions
    x = rng.normal(size=(_TASKS * _EXAMPLES, _INPUTS)).astype("float32")
    other = rng.normal(size=(2000, _INPUTS)).astype("float32")
    labels, truth = {}, {}
    for index, vector in enumerate(vectors):
        own = slice(index * _EXAMPLES, (index + 1) * _EXAMPLES)
        values = np.full(len(x), np.nan, "float32")
        values[own] = x[own] @ vector + rng.normal(size=_EXAMPLES)
        labels[f"t{index}"] = values
        truth[f"t{index}"] = other @ vector
    return [(x, labels), (other, truth)]
