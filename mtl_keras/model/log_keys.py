"""Checks that no two logs of a model have one key."""

import collections

from mtl_keras.groups.members import abridged

_VALIDATION = "val_"


def check(tracking) -> None:
    """Checks the log keys of a compiled model.

    A task called `val`, or `val_price` beside `price`, would share a key with
    the logs of the validation; a metric `sold_loss` of the task `price` with
    the loss of a task `price_sold`. One value would replace the other, and a
    callback would monitor the wrong one.

    Args:
        tracking: `TaskTracking`.

    Raises:
        ValueError: If a key stands for two logs.
    """
    counts = collections.Counter(_keys(tracking))
    shared = sorted(key for key, count in counts.items() if count > 1)
    of_validation = {_VALIDATION + key for key in counts}
    shared += sorted(of_validation & set(counts))
    if shared:
        raise ValueError(
            f"Two logs of this model would have the key {shared[0]!r}: keys "
            "join the task and the metric, and 'val_' begins those of the "
            "validation. Rename the task or the metric. Received: the tasks "
            f"{abridged(tracking.places)}"
        )


def _keys(tracking):
    groups = tracking.groups
    yield "loss"
    for name in tracking.places:
        yield from groups.keys(name, "loss")
    of_metrics = set()
    for task, metrics in tracking.metrics.items():
        for metric in metrics:
            of_metrics.add((task, metric.name))
            yield from groups.keys(task, metric.name)
    for task, metrics in tracking.weighted_metrics.items():
        for metric in metrics:
            is_twice = (task, metric.name) in of_metrics
            key = f"weighted_{metric.name}" if is_twice else metric.name
            yield from groups.keys(task, key)
    yield from tracking.split_names()
    if tracking.balance is not None:
        yield from tracking.balance.log_names
    if tracking.watch is not None:
        yield from tracking.watch.logs()
