"""Random orders in which each task meets the others, and the rounds."""

import numpy as np
from keras import ops

from mtl_keras.balancing import draws


def orders(seed: int, step, present):
    """Draws for each task an order of all tasks.

    Absent tasks may stand anywhere; those that are present meet each other in
    the order that they would have without the absent ones.

    Args:
        seed: Integer.
        step: int32 scalar tensor.
        present: float32 tensor of shape `(num_tasks,)`, 1 or 0.

    Returns:
        float32 tensor of shape `(num_tasks, num_tasks, num_tasks)`: at
        `[t, i, j]` 1 where `j` is the `t`-th task that task `i` meets, and
        `j` is not `i`, else 0.
    """
    size = present.shape[0]
    # The same numbers for a task however many follow it.
    stride = max(64, 1 << (size - 1).bit_length())
    numbers = draws.uniform(seed, step, (size, stride))[:, :size]
    place = ops.cast(ops.maximum(ops.cumsum(present) - 1.0, 0.0), "int32")
    numbers = ops.take(ops.take(numbers, place, axis=0), place, axis=1)
    order = ops.transpose(ops.argsort(numbers, axis=1))
    met = ops.one_hot(order, size, dtype="float32")
    return met * (1.0 - np.eye(size, dtype="float32"))


def in_rounds(num_tasks: int, meet, start):
    """Lets every task meet the next of its order, until all have met.

    Args:
        num_tasks: Integer.
        meet: Function of the round and what is carried, returning the latter.
        start: Argument of the first round.

    Returns:
        What the last round returned.
    """
    if num_tasks > 8:
        return ops.fori_loop(0, num_tasks, meet, start)
    # A compiled loop costs more than a few rounds.
    carried = start
    for time in range(num_tasks):
        carried = meet(time, carried)
    return carried
