"""One graph of several models with the same trunk: trunk once, every head."""

import collections
import copy
import re

from mtl_keras.ensemble import nesting
from mtl_keras.messages import listed
from mtl_keras.model.model import MultiTaskModel

# Sizes of layers in nested models; those of other layers are found by the
# shapes of their weights.
_SIZES = ("units", "filters", "kernel_size", "use_bias", "output_dim")
# Settings of Keras's layers by which the same weights compute other features.
_COMPUTED = (
    "activation",
    "axis",
    "center",
    "data_format",
    "dilation_rate",
    "epsilon",
    "go_backwards",
    "merge_mode",
    "negative_slope",
    "padding",
    "pool_size",
    "recurrent_activation",
    "return_sequences",
    "scale",
    "strides",
)


def union(models: dict, name: str):
    """Builds a model with the trunk of several models and the heads of all.

    Layers of the same name are one layer.

    Args:
        models: Dict of task name to the `MultiTaskModel` with its head.
        name: String, the name of the model.

    Returns:
        `MultiTaskModel` with fresh weights, not compiled.

    Raises:
        ValueError: If inputs differ, or layers of one name are of different
            classes or connected differently.
    """
    configs, layers, owners = {}, {}, {}
    first_task, first = None, None
    for task, model in models.items():
        config = configs[task] = _config(model, task, layers)
        if first is None:
            first_task, first = task, config
        if config["input_layers"] != first["input_layers"]:
            raise ValueError(
                "All models must read the same inputs. Received: "
                f"{config['input_layers']} in the model of {task!r}, "
                f"{first['input_layers']} in that of {first_task!r}"
            )
        for layer in _leading_to(config, [config["output_layers"][task]]):
            known = layers.setdefault(layer["name"], layer)
            owner = owners.setdefault(layer["name"], task)
            layers[layer["name"]] = _joined(known, owner, layer, task)
    merged = {
        "name": name,
        "trainable": True,
        "layers": list(layers.values()),
        "input_layers": first["input_layers"],
        "output_layers": {
            task: config["output_layers"][task]
            for task, config in configs.items()
        },
        "tasks": [
            declared
            for task, config in configs.items()
            for declared in config["tasks"]
            if declared["name"] == task
        ],
    }
    if all(c.get("sharing") == first.get("sharing") for c in configs.values()):
        merged["sharing"] = first.get("sharing")
    return MultiTaskModel.from_config(merged)


def _config(model, task, layers) -> dict:
    """Returns a model's config, with names that Keras gave made alike.

    Keras numbers inputs and layers without a name over all models of a
    process. Layers without weights, such as Dropout, are numbered by their
    order in the model; one that differs from that of another model at this
    place is the task's own. Layers with weights keep their names: these say
    what the models share.
    """
    config = copy.deepcopy(model.get_config())
    weighted = {layer.name for layer in model.layers if layer.weights}
    inputs = [
        layer["name"]
        for layer in config["layers"]
        if layer["class_name"] == "InputLayer"
    ]
    config = _renamed(config, nesting.numbered(inputs))
    counts, places = collections.Counter(), []
    for place, layer in enumerate(config["layers"]):
        kind = re.sub(r"_\d+$", "", layer["name"])
        plain = layer["class_name"].replace("_", "").lower()
        is_automatic = kind.replace("_", "").lower() == plain
        if layer["name"] not in weighted and is_automatic:
            places.append((place, f"{kind}_of_place_{counts[kind]}"))
            counts[kind] += 1
    for place, name in places:
        layer = config["layers"][place]
        config = _renamed(config, {layer["name"]: name})
        known = layers.get(name)
        if known is not None and not _is_same(known, config["layers"][place]):
            config = _renamed(config, {name: f"{task}_{name}"})
    return config


def _is_same(known, layer) -> bool:
    facts = [
        {k: v for k, v in each["config"].items() if k != "name"}
        for each in (known, layer)
    ]
    nodes, more = known["inbound_nodes"], layer["inbound_nodes"]
    return facts[0] == facts[1] and _wiring(nodes) == _wiring(more)


def _renamed(part, names):
    """Replaces names of layers where they are defined and where they are read.

    Args:
        part: A part of a config.
        names: Dict, old name to new.

    Returns:
        The part with new names.
    """
    if isinstance(part, dict):
        part = {key: _renamed(value, names) for key, value in part.items()}
        if "inbound_nodes" in part and part["name"] in names:
            part["name"] = names[part["name"]]
            part["config"]["name"] = part["name"]
        return part
    if isinstance(part, list | tuple):
        # A place in the graph: layer, node and tensor.
        if len(part) == 3 and isinstance(part[0], str) and part[0] in names:
            return [names[part[0]], *part[1:]]
        return type(part)(_renamed(value, names) for value in part)
    return part


def _leading_to(config, outputs) -> list:
    """Returns the layers that outputs depend on, and the inputs."""
    by_name = {layer["name"]: layer for layer in config["layers"]}
    waiting = [place[0] for place in outputs]
    reached = {
        name
        for name, layer in by_name.items()
        if layer["class_name"] == "InputLayer"
    }
    seen = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_sources(by_name[name]["inbound_nodes"]))
    return [x for x in config["layers"] if x["name"] in reached | seen]


def _sources(part):
    """Yields the names of layers that nodes read."""
    if isinstance(part, dict):
        history = part.get("keras_history")
        if history is not None:
            yield history[0]
            return
        part = list(part.values())
    if isinstance(part, list | tuple):
        for value in part:
            yield from _sources(value)


def _wiring(part):
    """Returns nodes without the shapes of what they read."""
    if isinstance(part, dict):
        history = part.get("keras_history")
        if history is not None:
            return list(history)
        return {key: _wiring(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_wiring(value) for value in part]
    return part


def _joined(known, owner, layer, task):
    """Returns the config of a layer that two models have."""
    if known is layer:
        return layer
    nodes, more = known["inbound_nodes"], layer["inbound_nodes"]
    common = min(len(nodes), len(more))
    differs = (
        "class"
        if known["class_name"] != layer["class_name"]
        else "connections"
        if _wiring(nodes[:common]) != _wiring(more[:common])
        else None
    )
    if differs:
        raise ValueError(
            f"The layer {layer['name']!r} must be the same in all models. "
            f"Received: other {differs} in the models of {owner!r} and "
            f"{task!r}. Give layers of the trunk the same names, and those of "
            "heads names of their own."
        )
    setting = _difference(known, layer)
    if setting is not None:
        where, values = setting
        raise ValueError(
            f"The layer {layer['name']!r} must be the same in all models. "
            f"Received: {where}={values[0]!r} in the model of {owner!r}, "
            f"{values[1]!r} in that of {task!r}."
        )
    return layer if len(more) > len(nodes) else known


def _difference(known, layer, path=""):
    """Finds a setting of Keras's layers that changes what they compute.

    Args:
        known: Dict, a layer of a config.
        layer: Dict, the layer of the same name of another model.
        path: String, the names of the nested models that they are in.

    Returns:
        `None`, or a pair of the setting's name and of its two values.
    """
    ours, theirs = known.get("config"), layer.get("config")
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return None
    if "layers" in ours:
        pairs = zip(ours["layers"], theirs.get("layers", ()), strict=False)
        for one, other in pairs:
            name = other.get("config", {}).get("name", "layer")
            setting = _difference(one, other, f"{path}{name}.")
            if setting is not None:
                return setting
        return None
    if str(known.get("module", "")).partition(".")[0] != "keras":
        return None
    for key in (*_COMPUTED, *(_SIZES if path else ())):
        values = ours.get(key), theirs.get(key)
        if values[0] != values[1]:
            return path + key, values
    return None


def single_task_models(models) -> dict:
    """Reads which model's head each task takes.

    Args:
        models: Dict of task name to `MultiTaskModel`, or a sequence of models
            with tasks of their own.

    Returns:
        Dict of task name to `MultiTaskModel`, sorted.

    Raises:
        ValueError: If a task is in several models, or the model of a task
            lacks it.
    """
    if isinstance(models, dict):
        for task, model in models.items():
            if task not in getattr(model, "tasks", {task: None}):
                raise ValueError(
                    f"The model for the task {task!r} must have it. Received: "
                    f"a model with the tasks {listed(model.tasks)}"
                )
        return dict(sorted(models.items()))
    owners = {}
    for number, model in enumerate(models):
        for task in model.tasks:
            if task in owners:
                raise ValueError(
                    f"The task {task!r} has a head in several models. "
                    f"Received: it in the models {owners[task]} and {number}. "
                    "Pass a dict of task name to the model whose head it takes."
                )
            owners[task] = number
    return {task: models[owners[task]] for task in sorted(owners)}
