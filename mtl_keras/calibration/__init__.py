"""Calibrated probabilities and thresholds, chosen on validation data."""

from mtl_keras.calibration.decisions import apply, choose, errors, predictions
from mtl_keras.calibration.reliability import (
    Reliability,
    expected_calibration_error,
    reliability,
)
from mtl_keras.calibration.temperature import calibrated, fit_temperature
from mtl_keras.calibration.threshold import best_threshold

__all__ = [
    "Reliability",
    "apply",
    "best_threshold",
    "calibrated",
    "choose",
    "errors",
    "expected_calibration_error",
    "fit_temperature",
    "predictions",
    "reliability",
]
