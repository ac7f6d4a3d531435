"""Ensembles: several trained models as one, for each task.

Each function returns a functional `MultiTaskModel` that holds the members: it
is evaluated, saved as `.keras`, exported and served like any other.
"""

from mtl_keras.ensemble.averaging import average, vote
from mtl_keras.ensemble.bagging import bag, bootstrap_draws
from mtl_keras.ensemble.joint import joint
from mtl_keras.ensemble.label_prior import LabelPrior
from mtl_keras.ensemble.snapshots import Snapshots
from mtl_keras.ensemble.stacking import fit_stack, out_of_fold, stack

__all__ = [
    "LabelPrior",
    "Snapshots",
    "average",
    "bag",
    "bootstrap_draws",
    "fit_stack",
    "joint",
    "out_of_fold",
    "stack",
    "vote",
]
