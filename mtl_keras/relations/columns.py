"""Columns of numbers from a model's labels and predictions."""

import numpy as np

from mtl_keras.messages import listed
from mtl_keras.relations import batches, trained


def label_columns(model, data, steps: int | None = None) -> dict:
    """Reads the labels as columns of numbers, NaN where one is missing.

    Several classes become a column each, two classes one column. A survival
    label becomes two: the time where the event was observed, and whether it
    was. Each member of a group is a task.

    Args:
        model: `MultiTaskModel`; its tasks say how labels are coded.
        data: Batches `(inputs, labels)` with labels as a dict, or a tuple of
            arrays. A task may be absent from a batch.
        steps: Integer, the number of batches to read. Defaults to all.

    Returns:
        Dict, task name to float array of shape `(examples, columns)`.

    Raises:
        ValueError: If a task has a label for each pixel or word, which no
            column can hold, or the labels name an unknown task.
    """
    tasks = trained.checked(model).tasks
    shapes = _output_shapes(model)
    read = []
    for x, y, _ in batches.checked(model, data, steps):
        length = _length(x)
        read.append(
            {
                name: _labels(task, y.get(name), shapes[name], length)
                for name, task in tasks.items()
            }
        )
    return _by_member(tasks, read)


def prediction_columns(model, data, steps: int | None = None) -> dict:
    """Computes the predictions as columns of numbers.

    Args:
        model: `MultiTaskModel`.
        data: As of `label_columns`.
        steps: Integer, the number of batches to read. Defaults to all.

    Returns:
        Dict, task name to float array of shape `(examples, columns)`; of two
        classes, the column of the second.

    Raises:
        ValueError: If an output has a prediction for each pixel or word.
    """
    from keras import ops

    tasks = trained.checked(model).tasks
    read = []
    for x, _, _ in batches.of(data, steps):
        outputs = model(x, training=False)
        read.append(
            {
                name: _outputs(task, ops.convert_to_numpy(outputs[name]))
                for name, task in tasks.items()
            }
        )
    return _by_member(tasks, read)


def _output_shapes(model) -> dict:
    return {name: tuple(t.shape)[1:] for name, t in model.output.items()}


def _length(x) -> int:
    from keras import tree

    return len(tree.flatten(x)[0])


def _labels(task, label, shape, length):
    """Codes one batch: array of shape `(examples, members, columns)`."""
    members = len(task.members)
    num_classes = _num_classes(task, shape)
    width = _width(task, shape, num_classes)
    if label is None:
        return np.full((length, members, width), np.nan)
    array = np.asarray(label)
    present = np.asarray(task.label.present(array))
    values = np.where(present, array.astype("float64"), np.nan)
    if task.label.rule == "time_event":
        time, event = values[..., 0], values[..., 1]
        seen = np.where(event == 1, time, np.nan)
        return np.stack([seen, event], axis=-1)[:, None]
    if num_classes and task.label.rule != "one_hot":
        if array.size != length * members:
            _refuse(task.name, array.shape)
        values = values.reshape(length, members)
        classes = range(1, 2) if num_classes == 2 else range(num_classes)
        coded = [(values == c).astype("float64") for c in classes]
        is_missing = np.isnan(values)[..., None]
        return np.where(is_missing, np.nan, np.stack(coded, axis=-1))
    if array.size != length * members * width:
        _refuse(task.name, array.shape)
    return values.reshape(length, members, width)


def _num_classes(task, shape) -> int:
    """Returns how many classes the label numbers; 0 of other labels."""
    if task.kind == "classification":
        return task.num_classes or shape[-1]
    is_number = not task.label.shape and task.label.rule is None
    wide = len(shape) == 1 and shape[-1] is not None and shape[-1] > 1
    # An output of several classes with one label an example.
    return shape[-1] if is_number and wide and not task.is_group else 0


def _width(task, shape, num_classes) -> int:
    if task.label.rule == "time_event":
        return 2
    if num_classes:
        one_hot = task.label.rule == "one_hot"
        return num_classes if one_hot or num_classes > 2 else 1
    if len(shape) > 1 or (shape and shape[-1] is None):
        _refuse(task.name, shape)
    size = int(np.prod(shape, dtype=int)) if shape else 1
    return size // len(task.members)


def _outputs(task, array):
    members = len(task.members)
    if array.ndim > (3 if task.is_group else 2):
        _refuse(task.name, array.shape)
    array = array.astype("float64").reshape(len(array), members, -1)
    if task.kind == "classification" and array.shape[-1] == 2:
        return array[..., 1:]
    return array


def _refuse(name, shape):
    raise ValueError(
        f"Task {name!r} has a value for each position of an example, which is "
        f"no column of numbers. Received: shape {tuple(shape)}. Give "
        "`relations.correlation` columns of your own, such as means."
    )


def _by_member(tasks, read) -> dict:
    columns = {}
    for name, task in tasks.items():
        whole = np.concatenate([batch[name] for batch in read])
        for place, member in enumerate(task.members):
            if member in columns:
                raise ValueError(
                    f"Two tasks have the name {member!r}, of {listed(tasks)} "
                    "and the members of groups. Rename one."
                )
            columns[member] = whole[:, place]
    return columns
