"""What is printed of a training with many tasks."""

import keras

# Of more tasks, only what belongs to no single task is printed.
MOST_TASKS = 20


def shortened(logs, tasks) -> dict:
    """Leaves the tasks' own entries out of logs of many tasks.

    Args:
        logs: Dict by log key, or `None`.
        tasks: Collection of strings, the model's tasks.

    Returns:
        Dict: the logs of up to `MOST_TASKS` tasks, else those entries, such as
        `loss` and `val_loss`, that belong to no single task.
    """
    logs = dict(logs or {})
    if len(tasks) <= MOST_TASKS:
        return logs
    owned = tuple(
        f"{prefix}{name}_" for name in tasks for prefix in ("", "val_")
    )
    return {k: v for k, v in logs.items() if not k.startswith(owned)}


def add_progress(callbacks, tasks, verbose):
    """Adds a short progress bar for a model of many tasks.

    Args:
        callbacks: The argument of a loop: `None`, a callback, a sequence of
            them, or a `keras.callbacks.CallbackList`, which stays as it is.
        tasks: Collection of strings, the model's tasks.
        verbose: The argument of the loop.

    Returns:
        The argument of the loop.
    """
    is_list = isinstance(callbacks, keras.callbacks.CallbackList)
    if not verbose or is_list or len(tasks) <= MOST_TASKS:
        return callbacks
    if callbacks is None:
        callbacks = []
    elif not isinstance(callbacks, list | tuple):
        callbacks = [callbacks]
    own = (keras.callbacks.ProgbarLogger,)
    if any(isinstance(callback, own) for callback in callbacks):
        return callbacks
    # Last, as Keras's own: it shows what other callbacks add to the logs.
    return [*callbacks, ShortProgress(tasks)]


class ShortProgress(keras.callbacks.ProgbarLogger):
    """Keras's progress bar without the tasks' own entries.

    Args:
        tasks: Collection of strings, the model's tasks.
    """

    def __init__(self, tasks):
        super().__init__()
        self._tasks = tuple(tasks)

    def on_train_batch_end(self, batch, logs=None):
        """Shows a training step."""
        super().on_train_batch_end(batch, shortened(logs, self._tasks))

    def on_test_batch_end(self, batch, logs=None):
        """Shows an evaluation step."""
        super().on_test_batch_end(batch, shortened(logs, self._tasks))

    def on_epoch_end(self, epoch, logs=None):
        """Shows an epoch."""
        super().on_epoch_end(epoch, shortened(logs, self._tasks))

    def on_test_end(self, logs=None):
        """Shows an evaluation."""
        super().on_test_end(shortened(logs, self._tasks))
