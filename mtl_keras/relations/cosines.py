"""Cosines between the tasks' gradients on what they share."""

import itertools
import math
from collections.abc import Iterable, Mapping

import numpy as np

from mtl_keras.messages import listed
from mtl_keras.relations import batches, trained
from mtl_keras.relations.matrix import Relations


def gradients(model, data, steps: int | None = None) -> Relations:
    """Measures whether a step that serves one task serves the other.

    The cosine of the gradients of two tasks' losses with respect to the
    trunk's parameters, averaged over batches in which both have labels. Layers
    run as in inference (no dropout, no batch statistics).

    Args:
        model: Compiled `MultiTaskModel`; nothing of it changes.
        data: Batches `(inputs, labels)` or `(inputs, labels, weights)`, or a
            tuple of arrays.
        steps: Integer, the number of batches to read. Defaults to all.

    Returns:
        `Relations`, symmetric, from -1 to 1; NaN for a pair without a batch
        in which both have a gradient.

    Raises:
        ValueError: If the tasks share no trainable variable, the model is not
            compiled, labels are illegal, or a loss is NaN or infinite.
    """
    from mtl_keras import engine

    trained.checked(model, is_compiled=True)
    variables = shared_variables(model)
    function = engine.task_gradients(model, variables)
    names = model.balancer.tasks
    total = np.zeros((len(names), len(names)))
    counts = np.zeros_like(total)
    for x, y, weight in batches.checked(model, data, steps):
        losses, present, rows = function(x, y, weight)
        trained.check_losses(names, losses, present)
        matrix = np.concatenate(
            [row.reshape(len(names), -1) for row in rows], axis=1
        ).astype("float64")
        norms = np.linalg.norm(matrix, axis=1)
        norms[present == 0] = 0.0
        norms[~np.isfinite(norms)] = 0.0
        is_pair = (norms[:, None] > 0) & (norms[None, :] > 0)
        unit = np.where(
            norms[:, None] > 0,
            matrix / np.where(norms > 0, norms, 1.0)[:, None],
            0.0,
        )
        total += np.where(is_pair, unit @ unit.T, 0.0)
        counts += is_pair
    mean = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return Relations(names, np.clip(mean, -1.0, 1.0), "gradients")


def logged(
    metrics: Iterable[Mapping], tasks: Iterable[str] | None = None
) -> Relations:
    """Reads the cosines that a training with `monitor=True` logged.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`, or
            the `history` of `fit`, a dict of lists.
        tasks: Names of the tasks. Defaults to the names in front of
            `_gradient_norm`.

    Returns:
        `Relations`, the means over the epochs; NaN for a pair that no epoch
        has.

    Raises:
        ValueError: If no pair of tasks has a cosine.
    """
    if hasattr(metrics, "history"):
        metrics = metrics.history
    if isinstance(metrics, Mapping):
        metrics = [
            dict(zip(metrics, values, strict=True))
            for values in zip(*metrics.values(), strict=True)
        ]
    metrics = list(metrics)
    keys = sorted({key for entry in metrics for key in entry})
    end = "_gradient_norm"
    if tasks is None:
        tasks = [key.removesuffix(end) for key in keys if key.endswith(end)]
    names = sorted(tasks)
    matrix = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for (i, first), (j, second) in itertools.combinations(enumerate(names), 2):
        key = f"{first}_{second}_cosine"
        values = [e[key] for e in metrics if e.get(key) is not None]
        values = [float(v) for v in values if math.isfinite(v)]
        if values:
            matrix[i, j] = matrix[j, i] = np.mean(values)
    if np.isfinite(matrix).sum() <= len(names):
        raise ValueError(
            "No epoch has `<task>_<other>_cosine` of two tasks. Compile with a "
            "gradient balancer that has monitor=True; logs of more than ten "
            f"tasks hold a summary only. Received: the keys {listed(keys[:8])}"
        )
    return Relations(names, matrix, "gradients")


def shared_variables(model) -> list:
    """Returns the trainable variables that two or more tasks share.

    Raises:
        ValueError: If the tasks share no trainable variable.
    """
    from mtl_keras import graph

    variables = graph.partition(model).trunk.trainable_variables
    if not variables:
        raise ValueError(
            f"The tasks {listed(sorted(model.output))} share no trainable "
            "variable, so that no step of one changes another. "
            "mtl_keras.graph.describe(model) shows what is shared."
        )
    return variables
