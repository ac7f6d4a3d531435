"""An initializer of kernels that start near the identity of one task."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="mtl_keras")
class BlockIdentity(keras.initializers.Initializer):
    """Creates a kernel whose blocks of rows are multiples of the identity.

    For a dense layer over the features of several tasks, one behind the other:
    the layer starts as `own` times the features of one task plus
    `(1 - own) / (num_blocks - 1)` times those of each other.

    Args:
        index: Integer, the block of rows with the factor `own`.
        num_blocks: Integer.
        own: Float.
    """

    def __init__(self, index: int, num_blocks: int, own: float):
        self.index = index
        self.num_blocks = num_blocks
        self.own = own

    def __call__(self, shape, dtype=None):
        """Creates a kernel of shape `(num_blocks * channels, channels)`."""
        rest = (1.0 - self.own) / max(self.num_blocks - 1, 1)
        factors = np.full((self.num_blocks, 1, 1), rest)
        factors[self.index] = self.own
        blocks = factors * np.eye(shape[-1])
        return ops.cast(blocks.reshape(shape), dtype or "float32")

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "index": self.index,
            "num_blocks": self.num_blocks,
            "own": self.own,
        }
