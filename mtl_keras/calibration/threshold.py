"""The threshold of a probability, chosen on validation data."""

import numpy as np

from mtl_keras.calibration import arrays
from mtl_keras.messages import unknown

MEASURES = ("f1", "balanced_accuracy", "accuracy")


def best_threshold(probabilities, labels, *, measure: str = "f1") -> float:
    """Finds the threshold with the best measure.

    Args:
        probabilities: Array of shape `(examples,)` or `(examples, 1)`.
        labels: Array of shape `(examples,)` of 0 and 1; negative ones are
            missing.
        measure: `"f1"`, `"balanced_accuracy"` or `"accuracy"`, of the rule
            that an object is there if its probability is at least the
            threshold.

    Returns:
        Float in [0, 1], half-way between two probabilities where it can be.
        0.5 where all labels are equal: they say nothing about a threshold.

    Raises:
        ValueError: If the arrays do not fit, no label is present, or the
            measure is unknown.
    """
    if measure not in MEASURES:
        raise ValueError(unknown("measure", measure, MEASURES))
    probabilities, labels = arrays.present(probabilities, labels)
    if probabilities.ndim != 1:
        raise ValueError(
            "Expected one probability for each example. Received: shape "
            f"{probabilities.shape}"
        )
    num_true = int(labels.sum())
    num_false = len(labels) - num_true
    if not num_true or not num_false:
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    probabilities, labels = probabilities[order], labels[order]
    hits = np.cumsum(labels)
    alarms = np.cumsum(1 - labels)
    if measure == "f1":
        values = 2 * hits / (hits + alarms + num_true)
    elif measure == "accuracy":
        values = (hits + num_false - alarms) / len(labels)
    else:
        values = (hits / num_true + 1 - alarms / num_false) / 2
    # Equal probabilities are on one side of any threshold.
    ends = np.append(probabilities[:-1] != probabilities[1:], True)
    best = int(np.argmax(np.where(ends, values, -1.0)))
    below = probabilities[best + 1] if best + 1 < len(labels) else 0.0
    return float((probabilities[best] + below) / 2)
