"""Merging: models with a common trunk become one, without training.

Models that were fine-tuned from the same weights, each on a task of its own,
are merged to one model with one trunk and every head.
"""

from mtl_keras.merge.methods import average, task_arithmetic, ties
from mtl_keras.merge.per_layer import per_layer
from mtl_keras.merge.statistics import reestimate_statistics

__all__ = [
    "average",
    "per_layer",
    "reestimate_statistics",
    "task_arithmetic",
    "ties",
]
