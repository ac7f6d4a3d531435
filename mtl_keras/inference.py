"""Works out what an output's label looks like from its loss."""

import dataclasses

from mtl_keras.labels import LabelSpec

_BINARY = {
    "BinaryCrossEntropy",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
}
_SPARSE = {
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
    "kl_divergence",
}
_BOX = {"BoxLoss", "GIoU"}


def complete_task(task, loss, output_shape, *, is_declared: bool):
    """Gives a task the label that its loss reads.

    Args:
        task: `Task`; one that the user did not declare has only a name.
        loss: Loss object or function that the task is compiled with.
        output_shape: Tuple, shape of the output with the batch axis.
        is_declared: Bool. A declared task keeps its label, except that a
            one-hot loss of Keras makes class numbers one-hot.

    Returns:
        `Task`.
    """
    name = getattr(loss, "__name__", type(loss).__name__)
    inner = getattr(loss, "fn", None)
    if type(loss).__name__ == "LossFunctionWrapper" and inner is not None:
        name = getattr(inner, "__name__", name)
    if is_declared and name not in _ONE_HOT:
        return task
    spec = _spec(name, loss, tuple(output_shape))
    return dataclasses.replace(task, label=spec)


def _spec(name, loss, shape) -> LabelSpec:
    if name in _SPARSE:
        missing = getattr(loss, "ignore_class", None)
        return LabelSpec(
            shape=shape[1:-1],
            dtype="int32",
            missing=-1 if missing is None else int(missing),
            minimum=0,
            maximum=None if shape[-1] is None else shape[-1] - 1,
        )
    if name in _ONE_HOT:
        return LabelSpec(shape=shape[1:], missing=-1, minimum=0, maximum=1)
    if name in _BINARY or (name == "Focal" and shape[-1] == 1):
        return LabelSpec(shape=shape[1:], missing=-1, minimum=0, maximum=1)
    if name == "Focal":
        return LabelSpec(
            shape=shape[1:-1],
            dtype="int32",
            missing=-1,
            minimum=0,
            maximum=shape[-1] - 1,
        )
    if name in _BOX:
        return LabelSpec(shape=shape[1:], minimum=0, maximum=1, rule="box_xyxy")
    return LabelSpec(shape=shape[1:])
