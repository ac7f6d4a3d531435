"""Names by which the layers of two models are matched."""

import collections
import dataclasses
import re

import keras

from mtl_keras import compat, graph

_AUTOMATIC = re.compile(r"(.+?)(_\d+)?")


def is_automatic(layer) -> bool:
    """Tells whether Keras named a layer: `conv2d`, `conv2d_1`, ...

    Args:
        layer: Keras layer.
    """
    plain = re.sub(r"\W+", "", type(layer).__name__).lower()
    stem = _AUTOMATIC.fullmatch(layer.name).group(1)
    return stem.replace("_", "") == plain


@dataclasses.dataclass(frozen=True, eq=False)
class NamedLayer:
    """A layer with variables of a model, at any depth.

    Args:
        layer: Keras layer.
        path: String, the names of the models around it and its own, such as
            `"trunk/dense_3"`.
    """

    layer: object
    path: str


def by_key(model) -> dict:
    """Maps a key that a model of the same architecture has too to each layer.

    The key of a layer is its path. An automatic name depends on what else the
    program has built, so the class stands for it with the layer's place among
    those of this class that belong to the same task, or to the trunk.

    Args:
        model: `keras.Model`.

    Returns:
        Dict, tuple to `NamedLayer`. Models within the model are opened.
    """
    layers = {}
    owners, numbers = owners_of(model), collections.Counter()
    _collect(model, (), "", owners, layers, numbers, set())
    return layers


def owners_of(model) -> dict:
    """Maps the id of each variable that one task alone has to the task.

    Args:
        model: `keras.Model`; empty if its outputs are no flat dict.
    """
    outputs = getattr(model, "output", None)
    if not compat.is_functional(model) or not isinstance(outputs, dict):
        return {}
    parts = graph.partition(model)
    trunk = {id(w) for c in graph.trunk_calls(parts) for w in c.weights}
    return {
        id(variable): task
        for task, variables in parts.task_variables.items()
        for variable in variables
        if id(variable) not in trunk
    }


def owner_of(layer, owners: dict) -> str | None:
    """Returns the task that owns all variables of a layer, or `None`."""
    tasks = {owners.get(id(variable)) for variable in layer.weights}
    return tasks.pop() if len(tasks) == 1 else None


def _collect(model, around, path, owners, layers, numbers, seen):
    for layer in model.layers:
        if id(layer) in seen or not layer.weights:
            continue
        seen.add(id(layer))
        key = layer.name
        if is_automatic(layer):
            kind = type(layer).__name__, owner_of(layer, owners)
            numbers[around, kind] += 1
            key = *kind, numbers[around, kind]
        key, name = (*around, key), f"{path}{layer.name}"
        if isinstance(layer, keras.Model):
            _collect(layer, key, f"{name}/", owners, layers, numbers, seen)
        else:
            layers[key] = NamedLayer(layer, name)
