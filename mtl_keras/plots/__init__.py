"""Pictures of a run: its curves and what the model answers."""

from mtl_keras.plots.curves import curves
from mtl_keras.plots.draw import draw
from mtl_keras.plots.predictions import predictions

__all__ = ["curves", "draw", "predictions"]
