"""Models with a common trunk, merged to one: no data, no training."""

import numpy as np

from mtl_keras import checks
from mtl_keras.merge.trunk import Trunk


def average(models, *, name: str = "merged"):
    """Averages the trunks of separately fine-tuned models.

    Wortsman et al., Model soups, ICML 2022, https://arxiv.org/abs/2203.05482.

    ```python
    model = merge.average([classifier, detector, locator])
    ```

    Layers of the same name are the common trunk, as of models that were
    built alike and fine-tuned from the same weights; each task keeps its head.
    Statistics of BatchNormalization are averaged over the models, whatever
    the method; `reestimate_statistics` measures them anew.

    Args:
        models: Sequence of at least two `MultiTaskModel` with tasks of their
            own; or a dict of task name to the model whose head it takes, for
            models that have other heads as well.
        name: String, the name of the merged model.

    Returns:
        `MultiTaskModel`, not compiled, with one trunk and a head for each
        task. It carries the models' `preprocessor`.

    Raises:
        ValueError: If there are fewer than two models or no common trunk;
            inputs, preprocessors, or shapes, connections or settings of layers
            such as the activation differ; a task is in several models or
            missing in its own; or weights are not finite.
    """
    trunk = Trunk(models, None, name)
    for entry in trunk.entries:
        entry.variable.assign(np.mean(entry.values, axis=0))
    return trunk.model


def task_arithmetic(start, models, *, scale: float = 0.3, name: str = "merged"):
    """Adds what each model has learnt to the common start.

        merged = start + scale * sum_i (model_i - start)

    Ilharco et al., Editing models with task arithmetic, ICLR 2023,
    https://arxiv.org/abs/2212.04089. With `scale = 1 / number of models` it
    is the average.

    Args:
        start: `keras.Model` with the trunk's layers and the weights that all
            models were fine-tuned from; its heads do not matter.
        models: As for `average`.
        scale: Float. The paper chooses it on validation data; 0.3 to 0.4 is
            its best for eight tasks.
        name: As for `average`.

    Returns:
        As `average`.

    Raises:
        ValueError: As `average`, or if the start lacks a layer of the trunk.
    """
    scale = checks.number("scale", scale)
    trunk = Trunk(models, required(start), name)
    for entry in trunk.entries:
        change = scale * np.sum(entry.deltas, axis=0)
        entry.variable.assign(entry.start + change)
    return trunk.model


def ties(
    start,
    models,
    *,
    density: float = 0.2,
    scale: float = 1.0,
    name: str = "merged",
):
    """Merges what the models have learnt where they agree on the sign.

    TIES-Merging (Yadav et al., NeurIPS 2023,
    https://arxiv.org/abs/2306.01708), in three steps:

    1. Trim: of each model's change of the trunk the fraction `density` of the
       largest magnitude is kept, over all layers together; the rest is 0.
    2. Elect: the sign of a parameter is that of the sum of the changes.
    3. Disjoint mean: over the changes with this sign that are not 0.

    The merged trunk is `start + scale * mean`.

    Args:
        start: As for `task_arithmetic`.
        models: As for `average`.
        density: Float in (0, 1], 0.2 as in the paper.
        scale: Float, 1 as in the paper without validation data.
        name: As for `average`.

    Returns:
        As `average`.

    Raises:
        ValueError: As `task_arithmetic`, or if `density` is out of range.
    """
    density = checks.number("density", density, above=0, high=1)
    scale = checks.number("scale", scale)
    trunk = Trunk(models, required(start), name)
    thresholds = _thresholds(trunk, density)
    for entry in trunk.entries:
        kept = [
            np.where(np.abs(delta) >= threshold, delta, 0.0)
            for delta, threshold in zip(
                entry.deltas,
                [thresholds[place] for place in entry.owners],
                strict=True,
            )
        ]
        change = disjoint_mean(np.stack(kept))
        entry.variable.assign(entry.start + scale * change)
    return trunk.model


def disjoint_mean(changes) -> np.ndarray:
    """Elects a sign for each parameter and averages the changes that have it.

    Args:
        changes: Array of shape `(models, ...)`, trimmed changes.

    Returns:
        Array of shape `(...)`; 0 where the changes cancel.
    """
    sign = np.sign(changes.sum(axis=0))
    agrees = (np.sign(changes) == sign) & (changes != 0)
    total = np.where(agrees, changes, 0.0).sum(axis=0)
    return total / np.maximum(agrees.sum(axis=0), 1)


def _thresholds(trunk, density) -> list:
    """Finds the smallest magnitude that is kept of each model's change."""
    by_model = [[] for _ in range(trunk.num_models)]
    for entry in trunk.entries:
        for place, delta in zip(entry.owners, entry.deltas, strict=True):
            by_model[place].append(np.abs(delta).reshape(-1))
    thresholds = []
    for parts in by_model:
        if not parts:
            thresholds.append(0.0)
            continue
        magnitudes = np.concatenate(parts)
        # At least one; of equal magnitudes all are kept.
        count = max(1, round(density * magnitudes.size))
        place = magnitudes.size - count
        thresholds.append(np.partition(magnitudes, place)[place])
    return thresholds


def required(start):
    """Returns the start, or raises a `ValueError` if it is `None`."""
    if start is None:
        raise ValueError(
            "`start` must be the model that all were fine-tuned from. "
            "Received: None. Without it use merge.average."
        )
    return start
