"""Uses what a trained multi-task model has learnt for other tasks.

`features` trains new heads on a frozen trunk, `parameters` copies the weights
that fit into another model, `fine_tune` then unfreezes it in stages,
`structure` reuses the architecture alone, and `add_task` adds a task to a
trained model.
"""

from mtl_keras.transfer.fine_tuning import Stage, fine_tune, unfreeze
from mtl_keras.transfer.new_tasks import add_task, features, structure
from mtl_keras.transfer.parameters import TransferReport, parameters

__all__ = [
    "Stage",
    "TransferReport",
    "add_task",
    "features",
    "fine_tune",
    "parameters",
    "structure",
    "unfreeze",
]
