"""What a model on JAX needs so that its state outlives an error or a `fit`."""

import keras

from mtl_keras import compat


class KeptState(keras.callbacks.Callback):
    """Keeps a model's state through a loop of Keras on JAX.

    Before the first step of each epoch, and of `evaluate` and `predict`,
    Keras 3.15 takes the values out of the variables; an error in that step,
    such as labels of a wrong shape, leaves the model without weights. As a
    context this gives them back. As a callback, the first of `fit`, it keeps
    them anew each epoch, and sees to it that weights and moving averages can
    be trained on.

    TensorFlow holds its values in place and needs none of this.

    Args:
        model: `keras.Model`.
    """

    def __init__(self, model):
        super().__init__()
        # `self.model` would bring the state back from the step.
        self._kept_model = model
        self._values = []
        self._is_first = True

    def __enter__(self):
        self._keep()
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            compat.give_back(self._values)
            compat.own_buffers(self._kept_model.trainable_variables)
        self._values = []

    def _keep(self):
        model = self._kept_model
        variables = list(model.variables)
        if getattr(model, "optimizer", None) is not None:
            variables += model.optimizer.variables
        self._values = compat.held_values(variables)

    def on_epoch_begin(self, epoch, logs=None):
        """Waits for the epoch's first step."""
        self._is_first = True

    def on_train_batch_begin(self, batch, logs=None):
        """Keeps the values that the epoch's first step takes."""
        if self._is_first:
            self._is_first = False
            self._keep()

    def on_train_end(self, logs=None):
        """Separates the buffers of weights and averages for later callbacks."""
        compat.own_buffers(self._kept_model.trainable_variables)
