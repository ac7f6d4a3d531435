"""Arguments in the shapes that Keras's own metrics expect."""

import keras
from keras import ops


def keras_arguments(metric, label, prediction, weight) -> tuple:
    """Gives one of Keras's metrics labels and weights that it reads correctly.

    Metrics with a `class_id` slice labels and predictions but not weights.
    `F1Score` and `FBetaScore` read one weight for each example: labels that do
    not count are replaced by negatives that are predicted as negatives, which
    enter no count. Different nonzero weights within one example cannot be
    expressed; their maximum is used.

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
        if len(weight.shape) == rank:
            counts = weight > 0
            label = ops.where(counts, label, ops.zeros_like(label))
            negative = ops.zeros_like(prediction)
            prediction = ops.where(counts, prediction, negative)
            weight = ops.max(weight, axis=-1)
    is_by_label = len(weight.shape) == rank > 1 and weight.shape[-1] != 1
    if getattr(metric, "class_id", None) is not None and is_by_label:
        weight = weight[..., metric.class_id]
    return label, prediction, weight
