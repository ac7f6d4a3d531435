"""One task's linear combination of all tasks' features."""

import keras
import numpy as np
from keras import ops

from mtl_keras.sharing.layers.merging import Merging


@keras.saving.register_keras_serializable(package="mtl_keras")
class CrossStitchUnit(Merging):
    """Adds up the features of all tasks, with learned weights.

    Input: a list of the tasks' features `(batch, ..., channels)`, all of one
    shape. Output: features of that shape.

    Args:
        index: Integer, the place of this unit's own task in the list.
        per: `"channel"`, a weight for each task and channel, or `"map"`, one
            for each task.
        own: Float, the first weight of the own task's features; the others
            have `(1 - own) / (tasks - 1)`.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, index: int, per: str, own: float, **kwargs):
        super().__init__(**kwargs)
        self.index = index
        self.per = per
        self.own = own

    def build(self, input_shape):
        """Creates the weights, a row for each task."""
        num_tasks, channels = len(input_shape), input_shape[0][-1]
        rest = (1.0 - self.own) / max(num_tasks - 1, 1)
        start = np.full((num_tasks, 1), rest, "float32")
        start[self.index] = self.own
        columns = channels if self.per == "channel" else 1
        self.alpha = self.add_weight(
            (num_tasks, columns),
            initializer=lambda shape, dtype: ops.cast(
                np.broadcast_to(start, shape), dtype
            ),
            name="alpha",
        )

    def call(self, inputs):
        """Adds up the features."""
        return sum(
            self.alpha[index] * features
            for index, features in enumerate(inputs)
        )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "index": self.index,
            "per": self.per,
            "own": self.own,
        }
