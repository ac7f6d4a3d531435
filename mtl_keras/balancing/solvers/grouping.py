"""Exact k-means of numbers on a line."""

from keras import ops


def group_means(values, mask, num_groups: int):
    """Replaces each number by the mean of its group.

    The groups minimise the sum of squared distances to their means. On a line
    each is a run of the sorted numbers, so that dynamic programming finds the
    best (Wang & Song, The R Journal 2011).

    Args:
        values: float32 tensor of shape `(size,)`, of at least 0.
        mask: Boolean tensor of shape `(size,)`, which of them count.
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
    present = ops.take(ops.cast(mask, "float32"), order)
    largest = ops.max(line)
    line = line / ops.where(largest > 0, largest, 1.0)

    # costs[i, n] is that of a run of the numbers i, i + 1, ..., n - 1. Taken
    # from the first of them, its sums lose no more than their rounding.
    cut = ops.arange(size + 1, dtype="int32")
    place = ops.arange(size, dtype="int32")
    apart = ops.maximum(line - line[:, None], 0.0) * present
    since = ops.cast(place[:, None] <= place, "float32") * present
    counts, sums, squares = ops.unstack(
        ops.cumsum(ops.stack([since, apart, apart * apart]), axis=2), 3
    )
    costs = squares - sums * sums / ops.maximum(counts, 1.0)
    costs = ops.pad(ops.maximum(costs, 0.0), [[0, 1], [1, 0]])
    # No run ends before it begins.
    costs = ops.where(cut[:, None] <= cut, costs, 1e30)

    # least[n]: what the first n numbers cost in as many groups as there are
    # so far, of which some may be empty; begins[g, n]: where the last of those
    # groups begins. In a loop, for XLA takes seconds to compile ten of them
    # unrolled.
    rounds = ops.arange(num_groups, dtype="int32")[:, None]

    def open_group(group, carried):
        least, begins = carried
        choices = least[:, None] + costs
        begin = ops.cast(ops.argmin(choices, axis=0), "int32")
        begins = ops.where(rounds == group, begin, begins)
        return ops.min(choices, axis=0), begins

    def close_group(turn, carried):
        result, end = carried
        start = ops.take(
            flat_begins, (num_groups - 1 - turn) * (size + 1) + end
        )
        members = ops.logical_and(start <= place, place < end)
        members = ops.cast(members, "float32") * present
        mean = _ratio(ops.sum(members * line), ops.sum(members))
        return result + members * mean, start

    begins = ops.zeros((num_groups, size + 1), "int32")
    _, begins = ops.fori_loop(1, num_groups, open_group, (costs[0], begins))
    flat_begins = ops.reshape(begins, (-1,))
    end = ops.convert_to_tensor(size, "int32")
    result, _ = ops.fori_loop(
        0, num_groups, close_group, (ops.zeros_like(line), end)
    )
    # Back to the places the numbers came from.
    return largest * ops.take(result, ops.argsort(order))


def _ratio(above, below):
    return above / ops.maximum(below, 1.0)
