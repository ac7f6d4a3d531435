"""Temperature scaling: one number a task, fitted on validation data.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017,
https://arxiv.org/abs/1706.04599.
"""

import numpy as np

from mtl_keras.calibration import arrays

# Probabilities of 0 and 1 have no finite logit.
_SMALLEST = 1e-7
_RANGE = (0.05, 20.0)


def fit_temperature(probabilities, labels) -> float:
    """Finds the temperature with the highest likelihood of the labels.

    Args:
        probabilities: Array of shape `(examples,)`, `(examples, 1)` or
            `(examples, classes)`, what the model predicts.
        labels: Array of shape `(examples,)`: 0 or 1, or class numbers;
            negative ones are missing.

    Returns:
        Float in [0.05, 20]. Above 1 the model is too certain, below 1 not
        certain enough.

    Raises:
        ValueError: If the arrays do not fit, or no label is present.
    """
    probabilities, labels = arrays.present(probabilities, labels)

    def loss(log_temperature):
        scaled = calibrated(probabilities, np.exp(log_temperature))
        return losses(scaled, labels).mean()

    # The loss is convex in 1 / temperature: a search finds its minimum.
    low, high = np.log(_RANGE)
    ratio = (np.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    left_loss, right_loss = loss(left), loss(right)
    while high - low > 1e-4:
        if left_loss < right_loss:
            high, right, right_loss = right, left, left_loss
            left = high - ratio * (high - low)
            left_loss = loss(left)
        else:
            low, left, left_loss = left, right, right_loss
            right = low + ratio * (high - low)
            right_loss = loss(right)
    return float(np.exp((low + high) / 2))


def losses(probabilities, labels):
    """Computes the negative log-likelihood of each label.

    Args:
        probabilities: As for `fit_temperature`.
        labels: As for `fit_temperature`.

    Returns:
        float64 array of shape `(examples,)`, without missing labels.

    Raises:
        ValueError: As for `fit_temperature`.
    """
    probabilities, labels = arrays.present(probabilities, labels)
    if probabilities.ndim == 1:
        true = np.where(labels == 1, probabilities, 1 - probabilities)
    else:
        true = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(true, 1e-12))


def calibrated(probabilities, temperature: float):
    """Divides the logits of probabilities by a temperature.

    Args:
        probabilities: Array of shape `(...)` or `(..., 1)`, probabilities of
            presence, or of shape `(examples, classes)` with at least two
            classes.
        temperature: Float above 0.

    Returns:
        float64 array of the same shape.
    """
    probabilities = np.asarray(probabilities, np.float64)
    clipped = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
    if probabilities.ndim < 2 or probabilities.shape[-1] == 1:
        logits = (np.log(clipped) - np.log1p(-clipped)) / temperature
        return 1 / (1 + np.exp(-logits))
    logits = np.log(clipped) / temperature
    logits -= logits.max(-1, keepdims=True)
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(-1, keepdims=True)
