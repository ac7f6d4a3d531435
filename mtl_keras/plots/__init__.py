"""Pictures of a model, of its run and of what it answers."""

from mtl_keras.plots.balance import balance
from mtl_keras.plots.comparison import comparison
from mtl_keras.plots.conflicts import conflicts
from mtl_keras.plots.curves import curves
from mtl_keras.plots.draw import draw
from mtl_keras.plots.parallel import parallel
from mtl_keras.plots.partition import partition
from mtl_keras.plots.predictions import predictions
from mtl_keras.plots.progress import progress

__all__ = [
    "balance",
    "comparison",
    "conflicts",
    "curves",
    "draw",
    "parallel",
    "partition",
    "predictions",
    "progress",
]
