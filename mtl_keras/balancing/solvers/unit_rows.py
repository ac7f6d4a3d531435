"""The Gramian of the rows at length one, and their lengths."""

from keras import ops


def unit_rows(gramian):
    """Divides the lengths of the rows out of their Gramian.

    What depends on the rows' directions alone is solved on this one, however
    long the rows are, whatever the unit of the losses.

    Args:
        gramian: Float tensor of shape `(num_tasks, num_tasks)`.

    Returns:
        Tuple of the cosines, of shape `(num_tasks, num_tasks)`, the lengths
        and their inverses, of shape `(num_tasks,)`. A row of length zero has
        the cosine 0 with every row, itself as well, and the inverse 0.
    """
    lengths = ops.sqrt(ops.maximum(ops.diagonal(gramian), 0.0))
    is_there = lengths > 0
    inverses = ops.where(is_there, 1.0 / ops.where(is_there, lengths, 1.0), 0.0)
    # One length after the other: their product may leave float32's range.
    cosines = gramian * inverses[:, None] * inverses[None, :]
    itself = ops.diag(ops.cast(is_there, "float32"))
    cosines = ops.where(
        ops.eye(gramian.shape[0], dtype="float32") > 0,
        itself,
        ops.clip(cosines, -1.0, 1.0),
    )
    return cosines, lengths, inverses
