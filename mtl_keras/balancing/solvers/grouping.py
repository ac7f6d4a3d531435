"""Exact k-means of numbers on a line."""

from keras import ops


def group_means(values, mask, num_groups: int):
    """Replaces each number by the mean of its group.

    The groups minimise the sum of squared distances to their means. On a line
    each is a run of the sorted numbers, so that dynamic programming finds the
    best (Wang & Song, The R Journal 2011).

    Args:
        values: float32 tensor of shape `(size,)`, of at least 0.
        mask: Boolean tensor of shape `(size,)`, which of them there are.
        num_groups: Integer of at least 1, the most groups to make.

    Returns:
        float32 tensor of shape `(size,)`, 0 where `mask` is false.
    """
    size = values.shape[0]
    values = ops.where(mask, values, 0.0)
    if num_groups >= size:
        return values
    # Missing numbers go to the end, where they cost nothing.
    order = ops.argsort(ops.where(mask, values, 3.4e38))
    line = ops.take(values, order)
    there = ops.take(ops.cast(mask, "float32"), order)
    largest = ops.max(line)
    line = line / ops.where(largest > 0, largest, 1.0)

    # runs[i, n] holds the numbers i, i + 1, ..., n - 1.
    cut = ops.arange(size + 1, dtype="int32")
    place = ops.arange(size, dtype="int32")
    runs = ops.logical_and(
        cut[:, None, None] <= place, place < cut[None, :, None]
    )
    runs = ops.cast(runs, "float32") * there
    means = _ratio(ops.sum(runs * line, axis=-1), ops.sum(runs, axis=-1))
    costs = ops.sum(runs * ops.square(line - means[:, :, None]), axis=-1)
    # No run ends before it begins.
    costs = ops.where(cut[:, None] <= cut, costs, 1e30)

    # least[n]: what the first n numbers cost in as many groups as there are
    # so far; a group may be empty.
    least, begins = costs[0], [ops.zeros_like(cut)]
    for _ in range(num_groups - 1):
        choices = least[:, None] + costs
        begins.append(ops.cast(ops.argmin(choices, axis=0), "int32"))
        least = ops.min(choices, axis=0)

    result, end = ops.zeros_like(line), ops.convert_to_tensor(size, "int32")
    for begin in reversed(begins):
        start = ops.take(begin, end)
        members = ops.logical_and(start <= place, place < end)
        members = ops.cast(members, "float32") * there
        mean = _ratio(ops.sum(members * line), ops.sum(members))
        result, end = result + members * mean, start
    # Back to the places the numbers came from.
    places = ops.cast(order, "int32")[:, None] == place
    return largest * ops.matmul(result, ops.cast(places, "float32"))


def _ratio(above, below):
    return above / ops.maximum(below, 1.0)
