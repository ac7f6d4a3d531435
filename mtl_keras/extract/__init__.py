"""One independent model for each task of a multi-task model."""

from mtl_keras.extract.task_models import task_models

__all__ = ["task_models"]
