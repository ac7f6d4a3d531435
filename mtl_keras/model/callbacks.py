"""Callbacks that a multi-task model adds to its own training."""

import keras


class LabelCheck(keras.callbacks.Callback):
    """Raises after the first batch and each epoch if labels are illegal.

    Args:
        check: Function of the model that raises.
    """

    def __init__(self, check):
        super().__init__()
        self._check = check
        self._is_first = True

    def on_train_batch_end(self, batch, logs=None):
        """Checks once, after the first batch."""
        if self._is_first:
            self._is_first = False
            # `self.model` brings the state back from a step of JAX.
            self._check(self.model)

    def on_epoch_end(self, epoch, logs=None):
        """Checks the epoch."""
        self._check(self.model)


def add_callbacks(own: list, callbacks, model):
    """Puts callbacks before those of the user.

    Args:
        own: List of callbacks.
        callbacks: The argument of `fit`: `None`, a callback, a sequence of
            them, or a `keras.callbacks.CallbackList`, which is changed.
        model: The model that is trained.

    Returns:
        The argument of `fit` with `own` in it.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in own:
            callback.set_model(model)
        callbacks.callbacks[:0] = own
        return callbacks
    if callbacks is None:
        return own
    if not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    return [*own, *callbacks]
