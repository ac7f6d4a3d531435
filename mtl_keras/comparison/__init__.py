"""Compares multi-task models with single-task ones, and with each other."""

from mtl_keras.comparison.deltas import (
    DEFINITIONS,
    JOINT,
    Measure,
    best_rate,
    comparable,
    delta_libmtl,
    delta_m,
    gains,
    kept_line,
    measures,
    rows,
    summary,
    together,
)

__all__ = [
    "DEFINITIONS",
    "JOINT",
    "Measure",
    "best_rate",
    "comparable",
    "delta_libmtl",
    "delta_m",
    "gains",
    "kept_line",
    "measures",
    "rows",
    "summary",
    "together",
]
