"""Infers an output's `LabelSpec` from its loss."""

import dataclasses
import functools

from mtl_keras.labels import LabelSpec

_BINARY = {
    "BinaryCrossEntropy",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
}
_SPARSE = {
    "CategoricalGeneralizedCrossEntropy",
    "CrammerSinger",
    "CrossEntropy",
    "SparseCategoricalCrossentropy",
    "sparse_categorical_crossentropy",
}
_ONE_HOT = {
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "KLDivergence",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "kl_divergence",
}
_BOX = {"BoxLoss", "GIoU"}
_FOCAL = {"Focal", "PairwiseAUC", "SoftF1"}
_MASK = {"DiceLoss"}
_SURVIVAL = {"Cox", "DiscreteTime"}
_DEPTH = {"ScaleInvariantDepth"}
_FAMILIES = (
    _SPARSE,
    _ONE_HOT,
    _BINARY,
    _FOCAL,
    _BOX,
    _MASK,
    _SURVIVAL,
    _DEPTH,
)


def complete_task(task, loss, output_shape, *, is_declared: bool):
    """Gives a task the `LabelSpec` that its loss reads.

    Args:
        task: `Task`; one that the user did not declare has only a name.
        loss: Loss object or function that the task is compiled with.
        output_shape: Tuple, shape of the output with the batch axis.
        is_declared: Bool. A declared task keeps its own label or that of its
            kind, except that a one-hot loss of Keras makes the labels of a
            classification one-hot.

    Returns:
        `Task`.

    Raises:
        ValueError: If a loss of boxes has an output of another shape.
    """
    ignored = getattr(loss, "ignore_class", None)
    if isinstance(loss, functools.partial):
        ignored, loss = loss.keywords.get("ignore_class"), loss.func
    name = getattr(loss, "__name__", type(loss).__name__)
    inner = getattr(loss, "fn", None)
    if type(loss).__name__ == "LossFunctionWrapper" and inner is not None:
        name = getattr(inner, "__name__", name)
    family = _family(name, loss)
    # An explicit label stays; so does a kind's, unless the loss is one-hot.
    is_open = task.kind is None and task.label == LabelSpec()
    becomes_one_hot = task.kind == "classification" and family is _ONE_HOT
    if is_declared and not (is_open or becomes_one_hot):
        return task
    shape = tuple(output_shape)
    if family is _BOX and shape[-1] != 4:
        raise ValueError(
            f"The loss {name!r} of the task {task.name!r} reads boxes x1, y1, "
            "x2, y2, so its output needs a last axis of 4. Received: output of "
            f"shape {shape}"
        )
    return dataclasses.replace(task, label=_spec(family, ignored, shape))


def _family(name, loss):
    # A subclass reads the labels that its base class reads.
    names = {name, *(base.__name__ for base in type(loss).__mro__)}
    for family in _FAMILIES:
        if names & family:
            return family
    return None


def _spec(family, ignored, shape) -> LabelSpec:
    if family is _FOCAL:
        family = _BINARY if shape[-1] == 1 else _SPARSE
    if family is _SPARSE:
        return LabelSpec(
            shape=shape[1:-1],
            dtype="int32",
            missing=-1 if ignored is None else int(ignored),
            minimum=0,
            maximum=None if shape[-1] is None else shape[-1] - 1,
        )
    if family is _ONE_HOT:
        return LabelSpec(
            shape=shape[1:],
            missing=-1,
            minimum=0,
            maximum=1,
            rule="one_hot",
        )
    if family is _BINARY:
        return LabelSpec(shape=shape[1:], missing=-1, minimum=0, maximum=1)
    if family is _MASK and shape[-1] == 1:
        return LabelSpec(shape=shape[1:], missing=255, minimum=0, maximum=1)
    if family is _MASK:
        return LabelSpec(
            shape=shape[1:-1],
            dtype="int32",
            missing=255,
            minimum=0,
            maximum=shape[-1] - 1,
        )
    if family is _SURVIVAL:
        return LabelSpec(shape=(*shape[1:-1], 2), minimum=0)
    if family is _DEPTH:
        return LabelSpec(shape=shape[1:], minimum=0)
    if family is _BOX:
        return LabelSpec(shape=shape[1:], minimum=0, maximum=1, rule="box_xyxy")
    return LabelSpec(shape=shape[1:])
