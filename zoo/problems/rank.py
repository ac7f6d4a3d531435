"""The number of shared directions, found: `low_rank`.

Six tasks have labels `x W_k` plus noise of variance 1, with `W_k = B W'_k`:
`B` of shape (20, 3) is common to all, so the true rank is 3 of 8. Each task
has 40 training examples. The trunk is one linear layer of 8 units, which is a
task's prediction: at full rank each task has a kernel of its own, `hard` has
one kernel for all. The error is the mean squared difference from `x W_k`,
without the noise; the best rank is the true one.
"""

import keras
import numpy as np
from keras import layers

import mtl_keras
from zoo.problems import models

_INPUTS, _UNITS, _TASKS, _RANK, _EXAMPLES = 20, 8, 6, 3, 40
_RANKS = (1, 2, 3, 4, 6, 8)


def run(seed: int) -> dict:
    """Trains one model for each rank, and hard sharing."""
    (x, labels), test = data(seed, _RANK)
    sharings = {
        f"low_rank, rank {rank}": {"name": "low_rank", "rank": rank}
        for rank in _RANKS
    }
    rows, errors = {}, {}
    for name, sharing in {"hard": "hard", **sharings}.items():
        model = linear_model(seed, sharing)
        models.train(model, x, labels, steps=1500, learning_rate=2e-2)
        errors[name] = vector_error(model, *test)
        rows[name] = {
            "error": errors[name],
            "parameters": model.count_params(),
        }
        keras.utils.clear_session()
    best = min(sharings, key=errors.get)
    rows["lowest error"] = {"rank": sharings[best]["rank"]}
    return rows


def linear_model(seed: int, sharing):
    """Builds a model whose trunk is one linear layer, without heads."""
    tasks = [
        mtl_keras.Task(name, loss="MeanSquaredError") for name in task_names()
    ]
    return models.build(
        seed,
        _INPUTS,
        tasks,
        lambda x: layers.Dense(_UNITS, use_bias=False, name="kernel")(x),
        sharing,
        head=lambda features, task: layers.Activation("linear", name=task.name)(
            features
        ),
    )


def task_names() -> list[str]:
    """Names the tasks."""
    return [f"t{index}" for index in range(_TASKS)]


def data(seed: int, rank: int) -> list:
    """Draws training and test examples.

    Args:
        seed: Integer.
        rank: Integer, of the tasks' common basis.

    Returns:
        List of two pairs of inputs and labels. A task's labels are missing
        but for its own examples; those of the test are without noise.
    """
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(_INPUTS, rank)))[0]
    kernels = [basis @ rng.normal(size=(rank, _UNITS)) for _ in task_names()]
    x = rng.normal(size=(_TASKS * _EXAMPLES, _INPUTS)).astype("float32")
    labels = {}
    for index, name in enumerate(task_names()):
        own = slice(index * _EXAMPLES, (index + 1) * _EXAMPLES)
        labels[name] = np.full((len(x), _UNITS), np.nan, "float32")
        noise = rng.normal(size=(_EXAMPLES, _UNITS))
        labels[name][own] = x[own] @ kernels[index] + noise
    other = rng.normal(size=(2000, _INPUTS)).astype("float32")
    truth = dict(zip(task_names(), [other @ k for k in kernels], strict=True))
    return [(x, labels), (other, truth)]


def vector_error(model, x, labels) -> float:
    """Computes the mean squared error over tasks, examples and units."""
    outputs = model.predict(x, batch_size=4096, verbose=0)
    return float(np.mean([np.square(outputs[n] - labels[n]) for n in labels]))
