"""Copies of models, nested in a new model."""

import re

import keras
import numpy as np

from mtl_keras.model.model import MultiTaskModel

# What Keras calls an input without a name: fresh, or of a loaded model.
_AUTOMATIC = re.compile(r"(keras_tensor|input_layer)(_\d+)?")
_PROCESSORS = ("preprocessor", "postprocessor")


def layer_name(task: str, inputs) -> str:
    """Names the layer of a task's output: after the task, if it is free.

    Args:
        task: String.
        inputs: Structure of Keras tensors, the inputs.

    Returns:
        String, not the name of an input.
    """
    taken = {tensor.name for tensor in keras.tree.flatten(inputs)}
    while task in taken:
        task = f"{task}_output"
    return task


def input_names(members) -> list:
    """Names the inputs of each member, so that the same have one name.

    Inputs are told apart by the names of their `keras.Input`. Where a member
    has none, the order decides.

    Args:
        members: List of `MultiTaskModel`.

    Returns:
        List of lists of strings, in the order of each member's `inputs`.

    Raises:
        ValueError: If inputs without names differ in number.
    """
    names = [[tensor.name for tensor in member.inputs] for member in members]
    if all(_AUTOMATIC.fullmatch(n) is None for row in names for n in row):
        return names
    counts = [len(row) for row in names]
    if len(set(counts)) > 1:
        raise ValueError(
            "Members with inputs of different numbers need named inputs. "
            f"Received: {counts} inputs. Write keras.Input(..., name=...)."
        )
    # By place where one has no names: the others' names may be any.
    return [[f"inputs_{i}" for i in range(counts[0])]] * len(members)


def numbered(names) -> dict:
    """Numbers the inputs of one model that have no name.

    Args:
        names: List of strings, the names of its inputs.

    Returns:
        Dict of the names that Keras gave to new ones.
    """
    return {
        name: f"inputs_{i}"
        for i, name in enumerate(names)
        if _AUTOMATIC.fullmatch(name)
    }


def nested(members) -> tuple:
    """Copies members into a new graph, each as one layer.

    The models that are given stay as they are. Layers of different members
    may have the same names: each member is a model `member_0`, `member_1`,
    ... of its own. Inputs of the same name are one input.

    Args:
        members: List of `MultiTaskModel`.

    Returns:
        Pair of the inputs, structured as the first member's where all members
        have the same ones, else a dict by name; and of a list with each
        member's outputs by task.

    Raises:
        ValueError: If inputs of one name differ in shape or type.
    """
    all_names = input_names(members)
    taken = {name for names in all_names for name in names}
    taken |= {task for member in members for task in member.tasks}
    prefix = "member"
    while any(name.startswith(f"{prefix}_") for name in taken):
        prefix = f"{prefix}_of"
    inputs, outputs = {}, []
    for number, (member, names) in enumerate(
        zip(members, all_names, strict=True)
    ):
        for tensor, name in zip(member.inputs, names, strict=True):
            new = inputs.setdefault(name, _new_input(tensor, name))
            if (tuple(new.shape), new.dtype) != (
                tuple(tensor.shape),
                tensor.dtype,
            ):
                raise ValueError(
                    f"The input {name!r} must be the same in all members. "
                    f"Received: shape {tuple(new.shape)}, {new.dtype} before "
                    f"member {number}, whose input has shape "
                    f"{tuple(tensor.shape)}, {tensor.dtype}"
                )
        copy = copied(member, f"{prefix}_{number}")
        outputs.append(copy([inputs[name] for name in names]))
    if sorted(inputs) == sorted(all_names[0]):
        ordered = [inputs[name] for name in all_names[0]]
        structure = keras.tree.pack_sequence_as(members[0].input, ordered)
        return structure, outputs
    return inputs, outputs


def _new_input(tensor, name):
    return keras.Input(
        batch_shape=tuple(tensor.shape),
        dtype=tensor.dtype,
        name=name,
        sparse=bool(getattr(tensor, "sparse", False)),
    )


def copied(model, name: str):
    """Copies a model as a functional `keras.Model` from a list to a dict.

    Args:
        model: `MultiTaskModel`.
        name: String, the copy's name.

    Returns:
        `keras.Model`, not trainable, with weights of its own.
    """
    copy = clone(model)
    # A plain functional model, which `graph.partition` opens.
    plain = keras.Model(copy.inputs, dict(copy.output), name=name)
    plain.trainable = False
    return plain


def clone(model):
    """Copies a model with its tasks and weights; it is not compiled.

    Args:
        model: `MultiTaskModel`.

    Returns:
        `MultiTaskModel` with variables of its own.
    """
    copy = type(model).from_config(model.get_config())
    assign(copy, weights_of(model))
    return copy


def copy_processors(source, target) -> None:
    """Gives a copy of a model its preprocessor and postprocessor.

    Args:
        source: `MultiTaskModel`.
        target: `MultiTaskModel`.
    """
    for part in _PROCESSORS:
        processor = getattr(source, part, None)
        if processor is not None:
            # Past Keras's tracking, as where the zoo makes a model.
            object.__setattr__(target, part, processor)


def weights_of(model) -> list:
    """Returns the weights of a model as NumPy arrays.

    Args:
        model: `keras.Model`.

    Returns:
        List of arrays, without the state of a balancer.
    """
    # A copy: on a CPU the array may be the variable's own memory.
    return [
        np.array(keras.ops.convert_to_numpy(each.value))
        for each in model.weights
    ]


def assign(model, weights) -> None:
    """Assigns what `weights_of` returned to a model of the same graph.

    Args:
        model: `keras.Model`.
        weights: List of arrays.
    """
    for variable, value in zip(model.weights, weights, strict=True):
        variable.assign(value)


def joined(inputs, outputs: dict, tasks, members, name: str):
    """Makes the ensemble, with the processors that its members share.

    Args:
        inputs: Structure of Keras tensors.
        outputs: Dict of task name to Keras tensor.
        tasks: Sequence of `Task`.
        members: List of `MultiTaskModel`.
        name: String, the name of the ensemble.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: If the members have different preprocessors.
    """
    model = MultiTaskModel(inputs, outputs, tasks=tasks, name=name)
    share_processors(members, model)
    return model


def share_processors(members, target) -> None:
    """Gives a model the preprocessor of others, and a common postprocessor.

    Args:
        members: List of `MultiTaskModel`.
        target: `MultiTaskModel`.

    Raises:
        ValueError: If the members have different preprocessors.
    """
    for part in _PROCESSORS:
        processor = _shared(part, members)
        if processor is not None:
            # Past Keras's tracking, as where the zoo makes a model.
            object.__setattr__(target, part, processor)


def _shared(part, members):
    """Returns the processor that all members have, or `None`."""
    processors = [getattr(member, part, None) for member in members]
    configs = [_config(processor) for processor in processors]
    if all(config == configs[0] for config in configs):
        return processors[0]
    if part == "postprocessor":
        # Members may be calibrated, each by its own temperature; the
        # ensemble is calibrated anew.
        return None
    other = next(i for i, c in enumerate(configs) if c != configs[0])
    raise ValueError(
        "All models must have the same preprocessor, since raw inputs are read "
        f"once. Received: {_name(processors[0])} at model 0, another "
        f"{_name(processors[other])} at model {other}. Train all on the same "
        "data."
    )


def _config(processor):
    if hasattr(processor, "get_config"):
        return type(processor), processor.get_config()
    return processor


def _name(processor) -> str:
    return "none" if processor is None else type(processor).__name__
