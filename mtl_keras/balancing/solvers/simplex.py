"""The projection on the simplex."""

import numpy as np
from keras import ops


def project(point, present):
    """Finds the point of the simplex nearest to a given one.

    By the threshold of Held, Wolfe & Crowder (1974), which is found among the
    candidates of all supports at once, as Duchi et al. (ICML 2008,
    https://doi.org/10.1145/1390156.1390191) find it by sorting.

    Args:
        point: Float tensor of shape `(n,)`, finite.
        present: Float tensor of shape `(n,)`, 1 or 0; an entry with 0 is not
            in the simplex.

    Returns:
        float32 tensor of shape `(n,)`, at least 0, that sums to 1; 0 where
        `present` is 0. All zero where it is nowhere 1.
    """
    size = point.shape[0]
    # The largest is 0 now: the projection does not change, and a large offset
    # costs no digits.
    top = ops.max(ops.where(present > 0, point, -3e38))
    point = ops.where(present > 0, point - top, -3e38)
    ordered = ops.flip(ops.sort(point))
    # No entry more than 1 below the largest is in the support.
    sums = ops.cumsum(ops.maximum(ordered, -2.0))
    counts = np.arange(1, size + 1, dtype="float32")
    thresholds = (sums - 1.0) / counts
    # The right one is the largest: sum(max(point - t, 0)) falls with t.
    threshold = ops.max(thresholds)
    projected = ops.maximum(point - threshold, 0.0)
    total = ops.sum(projected)
    return projected / ops.where(total > 0, total, 1.0)
