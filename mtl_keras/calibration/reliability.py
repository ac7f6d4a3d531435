"""How often a prediction is right, beside how certain the model is."""

import dataclasses

import numpy as np

from mtl_keras import checks
from mtl_keras.calibration import arrays


@dataclasses.dataclass(frozen=True)
class Reliability:
    """A reliability curve.

    Attributes:
        confidence: Array of shape `(bins,)`, the mean probability in each bin;
            NaN in an empty one.
        accuracy: Array of shape `(bins,)`, the fraction of examples for which
            the prediction holds.
        counts: Array of shape `(bins,)`, the examples in each bin.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error."""
        gaps = np.abs(self.confidence - self.accuracy)
        filled = self.counts > 0
        return float(
            (gaps[filled] * self.counts[filled]).sum() / self.counts.sum()
        )


def reliability(probabilities, labels, *, bins: int = 15) -> Reliability:
    """Computes a reliability curve.

    Of presence, the prediction is that the object is there. Of classes, it is
    the most probable class (Guo et al., ICML 2017).

    Args:
        probabilities: Array of shape `(examples,)`, `(examples, 1)` or
            `(examples, classes)`.
        labels: Array of shape `(examples,)`: 0 or 1, or class numbers;
            negative ones are missing.
        bins: Integer of at least 1, intervals of equal width in [0, 1].

    Returns:
        `Reliability`.

    Raises:
        ValueError: If the arrays do not fit, or no label is present.
    """
    checks.integer("bins", bins, low=1)
    probabilities, labels = arrays.present(probabilities, labels)
    if probabilities.ndim == 1:
        confidence, holds = probabilities, labels == 1
    else:
        confidence = probabilities.max(1)
        holds = probabilities.argmax(1) == labels
    places = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        sums = np.bincount(places, weights=confidence, minlength=bins)
        hits = np.bincount(places, weights=holds, minlength=bins)
        return Reliability(sums / counts, hits / counts, counts)


def expected_calibration_error(
    probabilities, labels, *, bins: int = 15
) -> float:
    """Computes the expected calibration error; 0 is perfect.

    The mean distance between probability and frequency over the bins of
    `reliability`, weighted by their examples (Naeini et al., AAAI 2015).

    Args:
        probabilities: As for `reliability`.
        labels: As for `reliability`.
        bins: As for `reliability`.

    Returns:
        Float in [0, 1].

    Raises:
        ValueError: As for `reliability`.
    """
    return reliability(probabilities, labels, bins=bins).error
