"""A weight for each layer and model, chosen on validation data."""

from collections.abc import Callable, Sequence

import numpy as np

from mtl_keras import checks
from mtl_keras.ensemble import rows
from mtl_keras.merge.methods import required
from mtl_keras.merge.trunk import Trunk

_SCALES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)


def per_layer(
    start,
    models,
    data,
    *,
    scales: Sequence[float] = _SCALES,
    sweeps: int = 1,
    score: Callable | None = None,
    name: str = "merged",
):
    """Task arithmetic with a weight for each layer and model.

        merged[l] = start[l] + sum_i weight[l, i] * (model_i[l] - start[l])

    The weights are those of AdaMerging (Yang et al., ICLR 2024,
    https://arxiv.org/abs/2310.02575), which descends the entropy of
    predictions on unlabelled test data. Here a labelled validation split
    chooses them, and nothing is trained: first the best common weight of
    `scales`, then, one weight after the other, the best of `scales` for it.
    That is `len(scales) * (1 + sweeps * layers * models)` evaluations. A
    weight changes only where the score rises, so the result is never worse
    on this split than the best common weight.

    ```python
    model, weights = merge.per_layer(start, models, (x, labels))
    ```

    Args:
        start: As for `task_arithmetic`.
        models: As for `average`.
        data: Pair `(x, labels)` of arrays, or a dataset of such batches: the
            validation split, with labels of all tasks.
        scales: Sequence of at least one float.
        sweeps: Integer of at least 0, how often each weight is tried.
        score: Function of the merged model, compiled, that returns a float,
            higher for better. Defaults to minus the sum of the tasks' losses
            on `data`.
        name: As for `average`.

    Returns:
        Pair of the merged `MultiTaskModel`, not trained any further, and of a
        dict of layer name to a list with a weight for each model.

    Raises:
        ValueError: As `task_arithmetic`, or if the score is not a number at
            any common weight.
    """
    scales = _checked(scales)
    sweeps = checks.integer("sweeps", sweeps, low=0)
    if data is None and score is None:
        raise ValueError(
            "`data` must be the validation split, (x, labels) or a dataset. "
            "Received: None, and no `score`"
        )
    if score is not None and not callable(score):
        raise ValueError(
            "`score` must be a function of a model that returns a number. "
            f"Received: score={score!r}"
        )
    if score is None and isinstance(data, tuple | list):
        _check_arrays(data)
    trunk = Trunk(models, required(start), name)
    weights = {layer: [0.0] * trunk.num_models for layer in trunk.layers}
    search = _Search(trunk, weights, score or _loss_on(data))
    scores = {scale: search.try_common(scale) for scale in scales}
    best = max(scores, key=scores.get)
    if not np.isfinite(scores[best]):
        raise ValueError(
            "The score must be a finite number for a common weight. Received: "
            f"{scores}"
        )
    search.keep(best, scores[best])
    for _ in range(sweeps):
        for layer in trunk.layers:
            for place in range(trunk.num_models):
                search.improve(layer, place, scales)
    search.assign()
    return trunk.model, search.weights


class _Search:
    """Coordinate search over the weights."""

    def __init__(self, trunk, weights, score):
        self._trunk, self._score = trunk, score
        self.weights = weights
        self._best = -np.inf
        trunk.model.compile()

    def try_common(self, scale) -> float:
        for row in self.weights.values():
            row[:] = [scale] * len(row)
        return self._measured()

    def keep(self, scale, value) -> None:
        self._best = value
        for row in self.weights.values():
            row[:] = [scale] * len(row)

    def improve(self, layer, place, scales) -> None:
        row = self.weights[layer]
        kept = row[place]
        for scale in scales:
            if scale == kept:
                continue
            row[place] = scale
            value = self._measured(layer)
            if value > self._best:
                self._best, kept = value, scale
        row[place] = kept
        self.assign(layer)

    def _measured(self, layer=None) -> float:
        self.assign(layer)
        value = self._score(self._trunk.model)
        try:
            value = float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "`score` must return a number. Received: "
                f"{type(value).__name__}"
            ) from error
        return value if np.isfinite(value) else -np.inf

    def assign(self, layer=None) -> None:
        for entry in self._trunk.entries:
            if layer is None or entry.layer == layer:
                row = self.weights[entry.layer]
                change = sum(
                    row[place] * delta
                    for place, delta in zip(
                        entry.owners, entry.deltas, strict=True
                    )
                )
                entry.variable.assign(entry.start + change)


def _check_arrays(data):
    if len(data) not in (2, 3) or not isinstance(data[1], dict):
        raise ValueError(
            "`data` must be (x, labels) with labels as a dict of task name to "
            f"array, or a dataset. Received: {type(data).__name__} of "
            f"{len(data)}"
        )
    rows.num_examples(data[0], data[1])


def _loss_on(data):
    def score(model):
        arguments = data if isinstance(data, tuple | list) else (data,)
        logs = model.evaluate(*arguments, verbose=0, return_dict=True)
        return -logs["loss"]

    return score


def _checked(scales) -> list[float]:
    if not isinstance(scales, list | tuple) or not scales:
        raise ValueError(
            f"`scales` must be a sequence of numbers. Received: {scales!r}"
        )
    return [checks.number("scales", scale) for scale in scales]
