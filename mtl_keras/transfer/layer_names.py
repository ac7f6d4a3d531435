"""Names by which the layers of two models are matched."""

import collections
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


def by_key(model) -> dict:
    """Maps a key that a model of the same architecture has too to each layer.

    The key of a layer is its path, the names of the models around it and its
    own. An automatic name depends on what else the program has built, so the
    class stands for it with the layer's place among those of this class that
    belong to the same task, or to the trunk.

    Args:
        model: `keras.Model`.

    Returns:
        Dict, tuple of strings to a layer with variables. Models within the
        model are opened.
    """
    owners, layers = owners_of(model), {}
    _collect(model, (), owners, layers, collections.Counter(), set())
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


def written(key: tuple) -> str:
    """Writes a key as a path: `trunk/dense`."""
    return "/".join(key)


def _collect(model, path, owners, layers, numbers, seen):
    for layer in model.layers:
        if id(layer) in seen or not layer.weights:
            continue
        seen.add(id(layer))
        name = layer.name
        if is_automatic(layer):
            owner = owner_of(layer, owners)
            kind = (*path, owner, type(layer).__name__)
            numbers[kind] += 1
            of = f" of {owner}" if owner else ""
            name = f"{type(layer).__name__} {numbers[kind]}{of}"
        if isinstance(layer, keras.Model):
            _collect(layer, (*path, name), owners, layers, numbers, seen)
        else:
            layers[*path, name] = layer
