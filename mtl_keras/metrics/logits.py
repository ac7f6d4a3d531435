"""Metrics of outputs that are logits."""

import functools

import keras
from keras import ops

from mtl_keras import losses
from mtl_keras.metrics.area import Area

_THRESHOLD = 0.5
# Arguments of metrics of Keras that compare probabilities with thresholds.
_OF_PROBABILITIES = ("num_thresholds", "threshold", "thresholds")


def read_logits(metric, loss):
    """Adapts a metric chosen by name to a loss that reads logits.

    The default threshold of a probability, 0.5, becomes that of a logit, 0;
    `from_logits` becomes true. Of the logits of several classes, a metric of
    probabilities receives the softmax.

    Args:
        metric: `keras.metrics.Metric` or `SplitMetric` without a state.
        loss: Loss object or function of the same task, or `None`.

    Returns:
        A metric of the same class and name, or of a subclass; `metric` itself
        where nothing changes.
    """
    if loss is None or not losses.from_logits(loss):
        return metric
    config = metric.get_config()
    if _reads_classes(loss) and _reads_probabilities(metric, config):
        return _of_softmax(metric, config)
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


def _reads_probabilities(metric, config) -> bool:
    """Checks whether a metric of classes depends on more than their order."""
    if isinstance(metric, Area):
        return True
    if isinstance(metric, keras.metrics.FBetaScore):
        # Without a threshold it compares the classes of each example.
        return config["threshold"] is not None
    of_distributions = keras.metrics.BinaryCrossentropy
    return isinstance(
        metric, of_distributions | keras.metrics.KLDivergence
    ) or (
        type(metric).__module__.startswith("keras.")
        and any(argument in config for argument in _OF_PROBABILITIES)
    )


def _of_softmax(metric, config):
    """Makes a metric read the softmax of its predictions."""
    cls = type(metric)

    def update_state(self, y_true, y_pred, sample_weight=None):
        p = ops.softmax(ops.cast(y_pred, "float32"), axis=-1)
        return cls.update_state(self, y_true, p, sample_weight=sample_weight)

    def result(self, y_true, y_pred, weight, task_name):
        p = ops.softmax(ops.convert_to_tensor(y_pred[task_name], "float32"))
        p = {**y_pred, task_name: ops.convert_to_numpy(p)}
        return cls.result(self, y_true, p, weight, task_name)

    read = result if isinstance(metric, Area) else update_state
    of_softmax = type(
        cls.__name__,
        (cls,),
        # As its own class: what is not of this package is called otherwise.
        {read.__name__: read, "__module__": cls.__module__},
    )
    return of_softmax.from_config(config)
