"""Figures of a model, of its training and of its outputs."""

from mtl_keras.plots.annotated_image import draw
from mtl_keras.plots.column_importance import importance
from mtl_keras.plots.comparison_table import comparison
from mtl_keras.plots.dense_maps import depth_colours, normal_colours
from mtl_keras.plots.gradient_conflicts import conflicts
from mtl_keras.plots.image_grid import predictions
from mtl_keras.plots.learning_curves import curves
from mtl_keras.plots.partition_diagram import partition
from mtl_keras.plots.relation_map import relations
from mtl_keras.plots.reliability_curve import reliability
from mtl_keras.plots.search import parallel, progress
from mtl_keras.plots.spectrogram import spectrogram
from mtl_keras.plots.task_weights import balance
from mtl_keras.plots.tint import tinted

__all__ = [
    "balance",
    "comparison",
    "conflicts",
    "curves",
    "depth_colours",
    "draw",
    "importance",
    "normal_colours",
    "parallel",
    "partition",
    "predictions",
    "progress",
    "relations",
    "reliability",
    "spectrogram",
    "tinted",
]
