"""Which examples are alike in their labels: the strata of a split."""

import numpy as np

from mtl_keras.messages import unknown

# A vector with more numbers than this is a picture of labels, not a list.
_MOST_COLUMNS = 64


def strata(labels: dict, tasks, *, num_bins: int = 4) -> np.ndarray:
    """Sorts examples by the labels of several tasks, for a stratified split.

    A missing label is a stratum of its own. Classes and yes/no are strata as
    they are; a continuous number is sorted into bins that hold equally many
    examples; a list of numbers (12 assays) is stratified number by number; of
    a sequence or a mask of classes it counts which classes occur in it; of a
    box, whether there is one.

    Args:
        labels: Dict of task name to array of shape `(num_examples, *label)`,
            with the missing markers of the tasks.
        tasks: Sequence of `Task`, or a dict of name to `Task`, that holds
            those that `labels` names.
        num_bins: Integer of at least 1, the bins of a continuous label.
            Defaults to 4, quartiles.

    Returns:
        int64 array of shape `(num_examples, num_columns)`, to be given to
        `splits.hold_out` and `splits.folds`.

    Raises:
        ValueError: If a label's task is unknown, the labels do not fit their
            tasks, or are not of one length.
    """
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    tasks = {task.name: task for task in tasks}
    if not labels:
        raise ValueError(
            "`strata` expects labels of at least one task. Received: none"
        )
    if isinstance(num_bins, bool) or int(num_bins) != num_bins or num_bins < 1:
        raise ValueError(
            "`num_bins` must be an integer of at least 1. "
            f"Received: num_bins={num_bins!r}"
        )
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
            "The tasks' labels must be of one length. Received: labels of "
            f"length {lengths}"
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

    Examples of which nothing is known are 2 in every column.
    """
    unknown_one = ~present.any(axis=1)
    columns = []
    for value in np.unique(flat[present]):
        held = ((flat == value) & present).any(axis=1).astype(np.int64)
        columns.append(np.where(unknown_one, 2, held))
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
