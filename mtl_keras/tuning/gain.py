"""Logs the gain over single-task models after each epoch."""

import keras

from mtl_keras.tuning.objective import GAIN


class Gain(keras.callbacks.Callback):
    """Adds `"gain"` to the logs of an epoch, for callbacks and the history.

    Args:
        objective: `Objective`, the gain.
        references: Dict, log key without `val_` to float, of single-task
            models.
    """

    def __init__(self, objective, references: dict):
        super().__init__()
        self._objective, self._references = objective, references

    def on_epoch_end(self, epoch, logs=None):
        """Adds the gain; callbacks that follow find it in `logs`."""
        logs[GAIN] = self._objective.value(
            {
                key.removeprefix("val_"): value
                for key, value in logs.items()
                if key.startswith("val_")
            },
            self._references,
        )
