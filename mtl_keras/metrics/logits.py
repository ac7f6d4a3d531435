"""Metrics of outputs that are logits."""

import functools

from mtl_keras import losses

_THRESHOLD = 0.5


def read_logits(metric, loss):
    """Adapts a metric chosen by name to a loss that reads logits.

    The default threshold of a probability, 0.5, becomes that of a logit, 0;
    `from_logits` becomes true.

    Args:
        metric: `keras.metrics.Metric` or `SplitMetric` without a state.
        loss: Loss object or function of the same task, or `None`.

    Returns:
        A metric of the same class and name; `metric` itself where nothing
        changes.
    """
    if loss is None or not losses.from_logits(loss):
        return metric
    config = metric.get_config()
    changes = {}
    if config.get("from_logits") is False:
        changes["from_logits"] = True
    elif not _reads_classes(loss):
        if config.get("threshold") == _THRESHOLD:
            changes["threshold"] = 0.0
        if "thresholds" in config and config["thresholds"] is None:
            changes["thresholds"] = 0.0
    if not changes:
        return metric
    return type(metric).from_config({**config, **changes})


def _reads_classes(loss) -> bool:
    """Checks for a loss of several classes, whose logits have no threshold."""
    if isinstance(loss, functools.partial):
        loss = loss.func
    names = [getattr(loss, "__name__", "")]
    names.extend(cls.__name__ for cls in type(loss).__mro__)
    own = ("CrammerSinger", "CrossEntropy")
    return any("categorical" in n.lower() or n in own for n in names)
