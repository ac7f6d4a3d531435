"""Labels of examples as the numbers that models are trained on."""

import math

from zoo.datasets.folders.records import Example

_NAN = math.nan
# Of each pixel: `Source` makes their arrays.
_MAPS = ("depth", "mask", "normals")


def encode(example: Example, kinds: dict, numbers: dict) -> dict:
    """Turns an example's labels into numbers.

    Args:
        example: `Example`.
        kinds: Dict of task name to kind.
        numbers: Dict of task name to a dict of class name to number.

    Returns:
        Dict of task name to number or list of numbers; a missing label is -1,
        or NaN of a task with floats.
    """
    tokens = example.inputs.get("tokens", ())
    return {
        task: _encode(kind, example.labels[task], numbers.get(task), tokens)
        for task, kind in kinds.items()
        if kind not in _MAPS
    }


def _encode(kind, label, numbers, tokens):
    if kind == "tagging":
        if label is None:
            return [-1] * len(tokens)
        return [numbers[tag] for tag in label]
    if kind == "classification":
        return -1 if label is None else numbers[label]
    if kind == "presence":
        return -1 if label is None else label
    if kind == "regression":
        return _NAN if label is None else label
    if kind == "detection":
        if label is None:
            return [[_NAN] * 5]
        # Without an object, a list of none.
        return [[*each.box, numbers[each.class_name]] for each in label]
    if kind == "count":
        if label is None:
            return [_NAN] * len(numbers)
        return [label.count(name) for name in numbers]
    size = 4 if kind == "box" else 2
    return [_NAN] * size if label is None else list(label)
