"""The variables of models that are merged, and those of one head each."""

import dataclasses

import keras
import numpy as np

from mtl_keras import compat, finite, graph
from mtl_keras.ensemble import members, nesting
from mtl_keras.merge.union import single_task_models, union
from mtl_keras.messages import listed


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """A variable of the trunk.

    Attributes:
        layer: String, the name of its layer.
        variable: Keras variable of the merged model.
        start: Array, its value in the common start; `None` without one.
        values: List of arrays, one for each model that has it.
        owners: List of integers, the places of these models.
        is_trained: Boolean; statistics of BatchNormalization and whole
            numbers are not.
    """

    layer: str
    variable: object
    start: np.ndarray | None
    values: list
    owners: list
    is_trained: bool

    @property
    def deltas(self) -> list:
        """What each model has learnt: its values minus the start's."""
        return [value - self.start for value in self.values]


class Trunk:
    """A merged model with its heads, and a trunk that is still to be set.

    Args:
        models: As for `merge.average`.
        start: `keras.Model` that all were fine-tuned from, or `None`.
        name: String, the name of the merged model.

    Attributes:
        model: `MultiTaskModel`; each head has its model's weights, and the
            statistics of the trunk are averaged.
        entries: List of `Entry`, those that are trained.

    Raises:
        ValueError: As `merge.average` and `merge.task_arithmetic`.
    """

    def __init__(self, models, start, name):
        by_task, distinct = _read(models)
        self.model = union(by_task, name)
        nesting.share_processors(distinct, self.model)
        self.entries, statistics = [], []
        for entry in _entries(self.model, by_task, distinct, start):
            if entry.is_trained:
                self.entries.append(entry)
            else:
                statistics.append(entry)
        if not self.entries:
            raise ValueError(
                "The models have no common trunk: no layer with weights has "
                "the same name in two of them. Received: layers "
                f"{listed(_weighted(distinct[0]))} and "
                f"{listed(_weighted(distinct[1]))}"
            )
        for entry in statistics:
            _average_statistic(entry)
        self.num_models = len(distinct)

    @property
    def layers(self) -> list[str]:
        """The names of the trunk's layers that are merged, in order."""
        return list(dict.fromkeys(entry.layer for entry in self.entries))


def _read(models):
    if isinstance(models, keras.Model) or not hasattr(models, "__iter__"):
        raise ValueError(
            "`models` must be a sequence of models, or a dict of task name to "
            f"model. Received: {type(models).__name__}"
        )
    if isinstance(models, dict):
        by_task = single_task_models(models)
        # One model may give the heads of several tasks.
        distinct = list({id(m): m for m in by_task.values()}.values())
        return by_task, members.check(distinct, "Merging")
    distinct = members.check(models, "Merging")
    return single_task_models(distinct), distinct


def _entries(model, by_task, distinct, start):
    """Assigns the heads, and yields the variables of the trunk."""
    if start is not None:
        if not isinstance(start, keras.Model):
            raise ValueError(
                "`start` must be a keras.Model. Received: "
                f"{type(start).__name__}"
            )
        finite.check_model(start, "Merging, the start,")
    parts, statistics = graph.partition(model), _statistics(model)
    shared = {id(variable) for variable in parts.shared_variables}
    head_of = {
        id(variable): task
        for task, variables in parts.task_variables.items()
        for variable in variables
    }
    for layer in model.layers:
        for place, variable in enumerate(layer.weights):
            if id(variable) not in shared:
                task = head_of.get(id(variable), next(iter(by_task)))
                owner = by_task[task]
                variable.assign(_value(owner, layer, place, variable, task))
                continue
            owners = [i for i, m in enumerate(distinct) if _has(m, layer)]
            values = [
                _value(distinct[i], layer, place, variable, f"model {i}")
                for i in owners
            ]
            if len(values) == 1:
                # A part that the tasks of one model share.
                variable.assign(values[0])
                continue
            yield Entry(
                # In a nested model, the layer inside.
                variable.path.rpartition("/")[0] or layer.name,
                variable,
                _start_value(start, layer, place, variable),
                values,
                owners,
                id(variable) not in statistics
                and keras.backend.is_float_dtype(variable.dtype),
            )


def _statistics(model) -> set:
    """Finds the statistics of BatchNormalization, by identity."""
    return {
        id(variable)
        for layer in compat.nested_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization)
        for variable in (layer.moving_mean, layer.moving_variance)
    }


def _average_statistic(entry) -> None:
    values = entry.values
    if all(np.array_equal(value, values[0]) for value in values):
        entry.variable.assign(values[0])
    elif keras.backend.is_float_dtype(entry.variable.dtype):
        entry.variable.assign(np.mean(values, axis=0))
    else:
        raise ValueError(
            f"The variable {entry.variable.path!r} has no mean: it holds whole "
            "numbers that differ between the models"
        )


def _has(model, layer) -> bool:
    return any(each.name == layer.name for each in model.layers)


def _start_value(start, layer, place, variable):
    if start is None:
        return None
    if not _has(start, layer):
        raise ValueError(
            f"The start must have the common trunk. Received: layers "
            f"{listed(_weighted(start))}, without {layer.name!r}"
        )
    return _value(start, layer, place, variable, "the start")


def _value(model, layer, place, variable, who):
    weights = model.get_layer(layer.name).weights
    fits = place < len(weights) and (
        tuple(weights[place].shape) == tuple(variable.shape)
    )
    if not fits:
        shapes = [tuple(weight.shape) for weight in weights]
        raise ValueError(
            f"The layer {layer.name!r} must have the same weights in all "
            f"models. Expected shape {tuple(variable.shape)}. Received: "
            f"{shapes} in {who}"
        )
    return np.array(keras.ops.convert_to_numpy(weights[place].value))


def _weighted(model) -> list[str]:
    return [layer.name for layer in model.layers if layer.weights]
