"""Strata of examples with similar labels, for stratified splits."""

import numpy as np

from mtl_keras import checks
from mtl_keras.messages import unknown

# A larger label is treated as a dense map of classes, not as a list of labels.
_MOST_COLUMNS = 64


def strata(labels: dict, tasks, *, num_bins: int = 4) -> np.ndarray:
    """Groups examples by the labels of several tasks, for a stratified split.

    A missing label is a stratum of its own. Classes and binary labels are used
    directly. Continuous labels are binned by quantiles. Each element of a
    vector (12 assays) is a column of its own. For a sequence or a mask of
    classes, each class gives a column: whether it occurs. For a box, whether
    there is one.

    Args:
        labels: Dict of task name to array of shape `(num_examples, *label)`,
            with the missing markers of the tasks.
        tasks: Sequence of `Task`, or a dict of name to `Task`, that
            includes those of `labels`.
        num_bins: Integer of at least 1, bins for continuous labels.
            Defaults to 4, quartiles.

    Returns:
        int64 array of shape `(num_examples, num_columns)`, for
        `splits.hold_out` and `splits.folds`.

    Raises:
        ValueError: If a label's task is unknown, or the labels do not fit their
            tasks or have different lengths.
    """
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    tasks = {task.name: task for task in tasks}
    if not labels:
        raise ValueError(
            "`strata` expects labels of at least one task. Received: none"
        )
    checks.integer("num_bins", num_bins, low=1)
    columns = []
    for name in sorted(labels):
        if name not in tasks:
            what = "task in the labels"
            raise ValueError(unknown(what, name, tasks, sorted(labels)))
        label = np.asarray(labels[name])
        spec = tasks[name].label
        spec.check_array(name, label)
        columns += _columns(label, spec, num_bins)
    lengths = {name: len(label) for name, label in labels.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "The tasks' labels must have the same length. Received: lengths "
            f"{lengths}"
        )
    return np.stack(columns, axis=1)


def _columns(label, spec, num_bins) -> list:
    present = spec.present(label)
    if spec.rule == "box_xyxy":
        has_box = present.reshape(len(label), -1).any(axis=1)
        return [has_box.astype(np.int64)]
    flat, present = (x.reshape(len(label), -1) for x in (label, present))
    if spec.dtype == "int32" and _is_sequence(spec.shape):
        return _contained(flat, present)
    is_class = spec.dtype == "int32"
    return [
        _sorted(flat[:, i], present[:, i], None if is_class else num_bins)
        for i in range(flat.shape[1])
    ]


def _is_sequence(shape) -> bool:
    return None in shape or np.prod(shape, dtype=int) > _MOST_COLUMNS


def _contained(flat, present):
    """One column for each class: 1 where the example holds it, else 0.

    Examples without any label are 2 in every column.
    """
    is_unlabelled = ~present.any(axis=1)
    columns = []
    for value in np.unique(flat[present]):
        held = ((flat == value) & present).any(axis=1).astype(np.int64)
        columns.append(np.where(is_unlabelled, 2, held))
    return columns or [np.zeros(len(flat), np.int64)]


def _sorted(values, present, num_bins):
    """The class or bin of each value, 0 where it is missing."""
    codes = np.zeros(len(values), np.int64)
    known = values[present]
    if not known.size:
        return codes
    distinct, number = np.unique(known, return_inverse=True)
    if num_bins is not None and len(distinct) > num_bins:
        inner = np.linspace(0, 1, num_bins + 1)[1:-1]
        number = np.searchsorted(np.quantile(known, inner), known, "right")
    codes[present] = number + 1
    return codes
