"""Callbacks that a multi-task model adds to its own training."""

import contextlib
import functools
import math

import keras

from mtl_keras import compat

_MONITORING = (
    keras.callbacks.EarlyStopping,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ReduceLROnPlateau,
)


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
            them, or a `keras.callbacks.CallbackList`, which stays as it is.
        model: The model that is trained.

    Returns:
        The argument of `fit` with `own` in it.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in own:
            callback.set_model(model)
        return compat.with_callbacks_first(callbacks, own)
    if callbacks is None:
        return own
    if not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    return [*own, *callbacks]


@contextlib.contextmanager
def passing_over_nan(callbacks):
    """Keeps an epoch whose monitored log is NaN from the callbacks of Keras.

    A mean over no label is NaN. Keras takes the first value for the best,
    and no later one is less than NaN: `EarlyStopping` would stop,
    `ModelCheckpoint` would keep that epoch's weights.

    Args:
        callbacks: The argument of `fit`, as of `add_callbacks`.

    Yields:
        Nothing.

    Raises:
        ValueError: If a monitored log was NaN at every epoch.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    elif not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    # By identity: a list may hold a callback twice.
    choosing = {id(each): each for each in callbacks if _chooses(each)}
    guards = [_NanGuard(each) for each in choosing.values()]
    with contextlib.ExitStack() as stack:
        for guard in guards:
            stack.enter_context(guard)
        yield
    for guard in guards:
        guard.require_number()


def _chooses(callback) -> bool:
    return isinstance(callback, _MONITORING) and getattr(
        callback, "save_best_only", True
    )


class _NanGuard:
    def __init__(self, callback):
        self._callback = callback
        self._num_nan = self._num_epochs = 0

    def __enter__(self):
        inner = self._callback.on_epoch_end

        @functools.wraps(inner)
        def on_epoch_end(epoch, logs=None):
            value = (logs or {}).get(self._callback.monitor)
            is_nan = value is not None and math.isnan(value)
            self._num_epochs += 1
            self._num_nan += is_nan
            if not is_nan:
                inner(epoch, logs)

        # On the object: the user holds it, and Keras looks the method up.
        self._callback.on_epoch_end = on_epoch_end

    def __exit__(self, *error):
        del self._callback.on_epoch_end

    def require_number(self):
        if self._num_nan and self._num_nan == self._num_epochs:
            raise ValueError(
                nan_message(
                    type(self._callback).__name__, self._callback.monitor
                )
            )


def nan_message(monitoring: str, key: str) -> str:
    """Returns the error about a monitored log that is never a number.

    Args:
        monitoring: String, what monitors it.
        key: String, the log key.
    """
    return (
        f"{monitoring} monitors {key!r}, which was NaN at every epoch. "
        "Expected a number. A mean over no label is NaN: give the split labels "
        "of that task, or monitor another log. With labels, training diverged."
    )
