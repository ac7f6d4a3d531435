"""Reads probabilities and labels of one task, without missing labels."""

import numpy as np


def present(probabilities, labels) -> tuple:
    """Checks probabilities and labels, and drops missing labels.

    Args:
        probabilities: Array of shape `(examples,)` or `(examples, 1)`, the
            probability of presence; or `(examples, classes)`.
        labels: Array of shape `(examples,)` or `(examples, 1)`: 0 or 1, or
            class numbers. Negative numbers and NaN are missing.

    Returns:
        Pair of float64 and integer arrays: `(n,)` or `(n, classes)`, `(n,)`.

    Raises:
        ValueError: If the shapes or the values do not fit, or no label is
            present.
    """
    probabilities = np.asarray(probabilities, np.float64)
    labels = np.asarray(labels, np.float64)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if probabilities.ndim == 2 and probabilities.shape[1] == 1:
        probabilities = probabilities[:, 0]
    if labels.ndim != 1 or len(labels) != len(probabilities):
        raise ValueError(
            "Expected a label for each example. Received: probabilities of "
            f"shape {probabilities.shape} and labels of shape {labels.shape}"
        )
    if probabilities.ndim not in (1, 2) or not (
        np.isfinite(probabilities).all()
        and (probabilities >= 0).all()
        and (probabilities <= 1.0 + 1e-6).all()
    ):
        raise ValueError(
            "Expected probabilities in [0, 1] of shape (examples,) or "
            f"(examples, classes). Received: shape {probabilities.shape}"
        )
    keep = labels >= 0
    probabilities, labels = probabilities[keep], labels[keep].astype(np.int64)
    if not len(labels):
        raise ValueError("Expected labels that are not missing. Received: none")
    most = 2 if probabilities.ndim == 1 else probabilities.shape[1]
    if labels.max() >= most:
        raise ValueError(
            f"Expected labels below {most}. Received: {labels.max()}"
        )
    return probabilities, labels
