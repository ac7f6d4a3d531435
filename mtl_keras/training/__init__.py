"""Trains by a recipe: resumable runs, checkpoints, reports, folds."""

from mtl_keras.training import checkpoint
from mtl_keras.training.cross_validation import CrossValidation, cross_validate
from mtl_keras.training.recipe import check_names
from mtl_keras.training.run import train, train_and_evaluate
from mtl_keras.training.workdir import check_workdir, delete_checkpoints

__all__ = [
    "CrossValidation",
    "check_names",
    "check_workdir",
    "checkpoint",
    "cross_validate",
    "delete_checkpoints",
    "train",
    "train_and_evaluate",
]
