"""Copies a part of a functional model: layers, weights and calls."""

import warnings

import keras
import numpy as np
from keras import ops, tree

from mtl_keras import compat
from mtl_keras.calls import CallGraph, Conversion


class GraphCopy:
    """A copy of the part of a model that leads to some of its tensors.

    Every layer on the way is copied once and called as in the model;
    `copy_weights` then gives the copies the weights of now. Inputs that lead
    to none of the tensors are left out. A nested model stays a nested model
    where all of it is needed. Where a part of it is, the layers of this part
    become layers of the copy. Of two layers with the same name, the one that
    was nested is renamed.

    Args:
        model: Functional model.
        graph: `CallGraph` of the model.
        slots: Iterable of integers, the slots of the tensors to copy.
        fresh: Boolean, whether layers start with new weights instead.
            Statistics of data, as those of `Normalization`, are copied.
            Defaults to `False`.

    Attributes:
        values: Dict, slot to the Keras tensor of the copy.
        inputs: The inputs of the copy, in the structure of the model's.
        layers: List of pairs: a layer, and its copy.
        names: Set of strings, the names of the inputs and of the layers.

    Raises:
        ValueError: If a layer cannot be copied.
    """

    def __init__(self, model, graph: CallGraph, slots, *, fresh=False):
        self.layers = []
        self._graph = graph
        self._fresh = fresh
        self._copies = {}
        slots = list(slots)
        needed = calls_leading_to(slots, graph)
        read = {slot for call in needed for slot in call.reads}
        self.values = {
            slot: _input_like(model, tensor)
            for slot, tensor in zip(
                graph.inputs, compat.flat_inputs(model), strict=True
            )
            if slot in read or slot in slots
        }
        new_inputs = [self.values.get(slot) for slot in graph.inputs]
        self.inputs = _pruned(tree.pack_sequence_as(model.input, new_inputs))
        whole = _whole_regions(graph, needed, slots)
        self.names = {tensor.name for tensor in tree.flatten(self.inputs)}
        self._names = self._choose_names(needed, whole)
        self._call_all(needed, whole)

    def copy_weights(self) -> None:
        """Gives the copies the weights of the model, once all are called.

        Raises:
            ValueError: If a copy has other variables than its layer.
        """
        _warn_of_tied_layers([source for source, _ in self.layers])
        for source, copy in self.layers:
            if not self._fresh:
                _copy_flags(source, copy)
            if not self._fresh or hasattr(source, "adapt"):
                copy_state(source, copy)

    def copy_of(self, operation):
        """Returns the copy of a layer or operation, made when first needed."""
        key = id(operation)
        if key not in self._copies and key not in self._names:
            self._names[key] = self.take_name(operation.name)
        if key not in self._copies:
            # The operation is stored, so that no other one gets its id.
            self._copies[key] = operation, self._copied(operation)
        return self._copies[key][1]

    def take_name(self, name: str) -> str:
        """Reserves a name for a layer, with a number where it is taken."""
        candidate, number = name, 0
        while candidate in self.names:
            number += 1
            candidate = f"{name}_{number}"
        self.names.add(candidate)
        return candidate

    def _call_all(self, needed, whole):
        calls, place = self._graph.calls, 0
        while place < len(calls):
            region = whole.get(place)
            if region is not None:
                read = zip(region.node.input_tensors, region.reads, strict=True)
                tensors = {id(t): self.values[slot] for t, slot in read}
                args, kwargs = region.node.arguments.fill_in(tensors)
                outputs = self.copy_of(region.operation)(*args, **kwargs)
                outputs = tree.flatten(outputs)
                self.values.update(zip(region.writes, outputs, strict=True))
                place = region.last
                continue
            if calls[place] in needed:
                operation = calls[place].operation
                if not isinstance(operation, Conversion):
                    operation = self.copy_of(operation)
                call_on(self.values, calls[place], operation)
            place += 1

    def _choose_names(self, needed, whole) -> dict:
        """Chooses a name for each operation that is called directly."""
        within = {}
        for region in self._graph.regions:
            for place in range(region.first, region.last):
                within.setdefault(place, []).append(region.operation.name)
        at_the_top, inner, place = [], [], 0
        while place < len(self._graph.calls):
            region = whole.get(place)
            call = self._graph.calls[place]
            if region is not None:
                outer = within[place][: within[place].index(_name(region))]
                group = inner if outer else at_the_top
                group.append((region.operation, outer))
                place = region.last
                continue
            if call in needed and not isinstance(call.operation, Conversion):
                outer = within.get(place, [])
                group = inner if outer else at_the_top
                group.append((call.operation, outer))
            place += 1
        names = {}
        for operation, outer in [*at_the_top, *inner]:
            if id(operation) in names:
                continue
            name = "_".join([*outer, operation.name])
            if not outer or operation.name not in self.names:
                name = operation.name
            names[id(operation)] = self.take_name(name)
        return names

    def _copied(self, operation):
        name = self._names[id(operation)]
        if compat.is_plain(operation):
            return self._nested(operation, name)
        if type(operation) is keras.Sequential:
            copies = [self._inner(layer) for layer in operation.layers]
            if operation.built:
                tensor = operation.inputs[0]
                shape, dtype = tensor.shape, tensor.dtype
                start = keras.Input(batch_shape=shape, dtype=dtype)
                copies.insert(0, start)
            return keras.Sequential(copies, name=name)
        copy = layer_like(operation, name, trainable=self._fresh or None)
        if isinstance(operation, keras.Layer):
            self.layers.append((operation, copy))
        return copy

    def _inner(self, operation):
        """Returns the copy of a layer that a nested model calls."""
        # Names are unique within each model.
        self._names.setdefault(id(operation), operation.name)
        return self.copy_of(operation)

    def _nested(self, model, name):
        """Copies a nested model whole, with the copies of its layers."""
        inputs = [_input_like(model, t) for t in compat.flat_inputs(model)]
        flat_inputs = compat.flat_inputs(model)
        values = {
            id(t): new for t, new in zip(flat_inputs, inputs, strict=True)
        }
        for node in compat.ordered_nodes(model):
            if any(id(tensor) not in values for tensor in node.input_tensors):
                # Depends on an input outside the model that was cut out.
                continue
            args, kwargs = node.arguments.fill_in(values)
            outputs = tree.flatten(self._inner(node.operation)(*args, **kwargs))
            values.update(
                (id(old), new)
                for old, new in zip(node.outputs, outputs, strict=True)
            )
        outputs = [values[id(t)] for t in compat.flat_outputs(model)]
        return keras.Model(
            tree.pack_sequence_as(model.input, inputs),
            tree.pack_sequence_as(model.output, outputs),
            name=name,
        )


def calls_leading_to(slots, graph: CallGraph) -> set:
    """Finds the calls that lead to some tensors.

    Args:
        slots: Iterable of integers, the slots of the tensors.
        graph: `CallGraph`.

    Returns:
        Set of `Call`.
    """
    calls, waiting = set(), list(slots)
    while waiting:
        call = graph.producer.get(waiting.pop())
        if call is not None and call not in calls:
            calls.add(call)
            waiting.extend(call.reads)
    return calls


def call_on(values: dict, call, operation) -> None:
    """Repeats a call with another operation on other tensors.

    Args:
        values: Dict, slot to Keras tensor, with all that the call reads; the
            outputs are added.
        call: `Call`.
        operation: The layer or operation to call in place of the call's own;
            a `Conversion` is written as operations of Keras.
    """
    if isinstance(operation, Conversion):
        tensors = [values[slot] for slot in call.reads]
        outputs = [
            _converted(tensor, like)
            for tensor, like in zip(tensors, operation.inputs, strict=True)
        ]
    else:
        read = zip(call.node.input_tensors, call.reads, strict=True)
        tensors = {id(tensor): values[slot] for tensor, slot in read}
        args, kwargs = call.node.arguments.fill_in(tensors)
        outputs = tree.flatten(operation(*args, **kwargs))
    values.update(zip(call.writes, outputs, strict=True))


def layer_like(operation, name: str, *, trainable: bool | None = None):
    """Makes a layer or operation of the same config, with weights of its own.

    Args:
        operation: Layer or operation of Keras.
        name: String, the name of the new one.
        trainable: Boolean, or `None` for that of `operation`.

    Returns:
        Layer or operation of the same class, not called yet.

    Raises:
        ValueError: If the class cannot be made from its config.
    """
    if type(operation) is keras.layers.Lambda:
        return compat.lambda_like(operation, name)
    inside = [operation]
    if isinstance(operation, keras.Layer):
        inside += compat.nested_layers(operation)
    classes = {type(each).__name__: type(each) for each in inside}
    try:
        config = {**operation.get_config(), "name": name}
        if trainable is not None and "trainable" in config:
            config["trainable"] = trainable
        with keras.saving.custom_object_scope(classes):
            return type(operation).from_config(config)
    except (TypeError, ValueError, KeyError, NotImplementedError) as error:
        reason = str(error).strip().rpartition("\n")[2]
        raise ValueError(
            f"The layer {operation.name!r} of the class "
            f"{type(operation).__name__} cannot be copied. Expected a "
            "`get_config` that returns every argument of its constructor. "
            f"Received: {reason}"
        ) from error


def copy_state(source, copy) -> None:
    """Copies all variables of a layer to another layer of its config.

    Args:
        source: Keras layer.
        copy: Keras layer.

    Raises:
        ValueError: If their variables differ in number or shape.
    """
    # A model's `variables` may have others beside those of its layers.
    old = keras.Layer.variables.fget(source)
    new = keras.Layer.variables.fget(copy)
    if [tuple(v.shape) for v in old] != [tuple(v.shape) for v in new]:
        raise ValueError(
            f"The layer {source.name!r} of the class {type(source).__name__} "
            f"cannot be copied: it has {len(old)} variables, and one made from "
            f"its config has {len(new)}, or others. Expected a `build` that "
            "makes every variable."
        )
    for variable, receiver in zip(old, new, strict=True):
        receiver.assign(variable)
    # On JAX both hold one array now, which a step of either would consume.
    compat.own_buffers(new)
    for layer in [copy, *compat.nested_layers(copy)]:
        # Statistics become constants of the layer, as in `Normalization`.
        if layer.built and hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _warn_of_tied_layers(layers):
    """Warns where a layer holds another one: its config makes a new one."""
    owners, tied = {}, {}
    for layer in layers:
        for variable in layer.weights:
            owner = owners.setdefault(id(variable), layer)
            if owner is not layer:
                tied[owner.name, layer.name] = None
    if tied:
        pairs = "; ".join(f"{one!r} and {other!r}" for one, other in tied)
        warnings.warn(
            f"Layers that share variables are apart in the copy: {pairs}. Its "
            "outputs are the same, until it is trained.",
            UserWarning,
            # The line that calls `task_models`, `features` or `add_task`.
            stacklevel=5,
        )


def _copy_flags(source, copy):
    pairs = zip(
        [source, *compat.nested_layers(source)],
        [copy, *compat.nested_layers(copy)],
        strict=False,
    )
    for old, new in pairs:
        if old.trainable != new.trainable:
            new.trainable = old.trainable


def _name(region) -> str:
    return region.operation.name


def _whole_regions(graph, needed, slots) -> dict:
    """Finds the calls of nested models that are needed whole.

    Returns:
        Dict, the place of a region's first call to the `Region`; of regions
        within each other, the outermost.
    """
    whole, end = {}, 0
    for region in graph.regions:
        if region.first < end or region.first == region.last:
            continue
        calls = graph.calls[region.first : region.last]
        inside = {slot for call in calls for slot in call.writes}
        tapped = (inside - set(region.writes)).intersection(slots)
        if not tapped and needed.issuperset(calls):
            whole[region.first] = region
            end = region.last
    return whole


def _input_like(model, tensor):
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer) and (
            layer.output is tensor
        ):
            return type(layer).from_config(layer.get_config()).output
    return keras.Input(
        batch_shape=tensor.shape,
        dtype=tensor.dtype,
        name=tensor.name,
        sparse=tensor.sparse,
    )


def _pruned(structure):
    """Drops the `None` of a structure, and lists of one tensor."""
    if isinstance(structure, dict):
        parts = {key: _pruned(part) for key, part in structure.items()}
        return {k: part for k, part in parts.items() if part is not None}
    if isinstance(structure, list | tuple):
        parts = [_pruned(part) for part in structure]
        parts = [part for part in parts if part is not None]
        return parts[0] if len(parts) == 1 else parts or None
    return structure


def _converted(tensor, like):
    """Casts a tensor and adds or drops its last axis, as a model's call."""
    if tensor.dtype != like.dtype:
        tensor = ops.cast(tensor, like.dtype)
    missing = int(np.sign(len(like.shape) - len(tensor.shape)))
    if missing > 0:
        return ops.expand_dims(tensor, -1)
    return ops.squeeze(tensor, -1) if missing < 0 else tensor
