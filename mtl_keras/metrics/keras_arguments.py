"""Arguments in the shapes that Keras's own metrics expect."""

import keras
from keras import ops

from mtl_keras import shapes


def keras_arguments(metric, label, prediction, weight) -> tuple:
    """Gives one of Keras's metrics labels and weights that it reads correctly.

    Metrics with a `class_id` slice labels and predictions but not weights.
    `F1Score` and `FBetaScore` read one weight for each example. Where each
    label has its own, an example is passed on once for each of its labels,
    with all other labels and predictions negative, which enter no count.

    Args:
        metric: `keras.metrics.Metric`.
        label: Tensor of labels, missing ones filled.
        prediction: Tensor of predictions.
        weight: float32 tensor of shape `(batch,)` or of the labels' shape; 0
            where a label does not count.

    Returns:
        Tuple of labels, predictions and weights.
    """
    rank = len(prediction.shape)
    if isinstance(metric, keras.metrics.FBetaScore):
        if len(label.shape) == rank - 1:
            label = ops.expand_dims(label, axis=-1)
        if len(weight.shape) == rank == 2:
            return _one_by_one(metric, label, prediction, weight)
    is_by_label = len(weight.shape) == rank > 1 and weight.shape[-1] != 1
    if getattr(metric, "class_id", None) is not None and is_by_label:
        weight = weight[..., metric.class_id]
    return label, prediction, weight


def uncount_missing(metric, label, weight) -> None:
    """Takes missing labels out of the number that `R2Score` adjusts by.

    With `num_regressors`, Keras counts every label, whatever its weight.

    Args:
        metric: `keras.metrics.Metric` that was given `label` and `weight`.
        label: Tensor of labels, missing ones filled.
        weight: float32 tensor, 0 where a label does not count.
    """
    is_adjusted = isinstance(metric, keras.metrics.R2Score)
    if not is_adjusted or not metric.num_regressors:
        return
    weight = shapes.metric_weights(metric.name, weight, label)
    count = metric.num_samples
    count.assign_sub(ops.cast(ops.sum(ops.equal(weight, 0)), count.dtype))


def _one_by_one(metric, label, prediction, weight) -> tuple:
    """Makes of each label an example: shape `(batch * labels, labels)`."""
    if metric.threshold is None:
        highest = ops.max(prediction, axis=-1, keepdims=True)
        is_positive = ops.logical_and(
            prediction >= highest, ops.abs(prediction) > 1e-9
        )
    else:
        is_positive = prediction > metric.threshold
    # A positive of 2 exceeds every threshold that these metrics accept.
    decision = 2.0 * ops.cast(is_positive, "float32")
    num_labels = prediction.shape[-1]
    one = ops.eye(num_labels)

    def spread(values):
        alone = ops.expand_dims(ops.cast(values, "float32"), axis=-1) * one
        return ops.reshape(alone, (-1, num_labels))

    return spread(label), spread(decision), ops.reshape(weight, (-1,))
