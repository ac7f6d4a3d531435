"""Logarithms of probabilities that may be exactly 0 or 1."""

from keras import ops

#: The distance of probabilities from 0 and 1; the same as `keras.config`.
EPSILON = 1e-7


def inner(probability):
    """Moves probabilities off 0 and 1: `p * (1 - 2 * e) + e`.

    Keras clips instead, which makes the gradient 0 where it clips: a wrong
    prediction of 0 or 1 would never be corrected. This map has the slope
    `1 - 2 * e` everywhere.

    Args:
        probability: float32 tensor of values in [0, 1].

    Returns:
        float32 tensor of values in [1e-7, 1 - 1e-7], to rounding.
    """
    return probability * (1.0 - 2.0 * EPSILON) + EPSILON


def log(probability):
    """Computes `log(p * (1 - 2 * e) + e)`, finite from 0 to 1."""
    return ops.log(inner(probability))
