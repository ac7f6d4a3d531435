"""What Keras's own training step does, piece by piece."""

import copy

import keras
from keras import ops
from keras.src.losses.loss import unscale_loss_for_distribution


def with_callbacks_first(callback_list, callbacks: list):
    """Copies a `CallbackList`, with callbacks that know their model first.

    A list decides when it is made whether its callbacks may run in threads
    beside the next step, which those that read the model may not.
    """
    extended = copy.copy(callback_list)
    extended.callbacks = [*callbacks, *callback_list.callbacks]
    extended._async_train = extended._async_test = False
    return extended


def clear_losses(model) -> None:
    """Clears the activity losses of an earlier step.

    Keras does so when a model is called; an engine calls its layers.
    """
    model._clear_losses()


def activity_losses(model) -> list:
    """Lists the losses of `add_loss` and activity regularizers since then."""
    losses = []
    for layer in model._flatten_layers():
        losses.extend(layer._get_own_losses())
    return losses


def weight_losses(model) -> list:
    """Lists the penalties of the weights that have a regularizer."""
    return model._get_regularization_losses()


def call_in_training(model, x):
    """Calls a model as Keras's own training step does.

    Args:
        model: `keras.Model`; its `call` may lack the argument `training`.
        x: Inputs of a batch.
    """
    if model._call_has_training_arg:
        return model(x, training=True)
    return model(x)


def training_loss(model, x, y, y_pred, sample_weight):
    """Computes a batch's loss; `compute_loss` may lack `training`.

    Args:
        model: Compiled `keras.Model`.
        x: As in `compute_loss`.
        y: As in `compute_loss`.
        y_pred: As in `compute_loss`.
        sample_weight: As in `compute_loss`.
    """
    return model._compute_loss(
        x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
    )


def track_total_loss(model, x, loss) -> None:
    """Adds a batch to Keras's own tracker of the total loss.

    Args:
        model: Compiled `keras.Model`.
        x: Inputs of the batch, which says how many examples it has.
        loss: Scalar tensor.
    """
    first = next(t for t in keras.tree.flatten(x) if t is not None)
    model._loss_tracker.update_state(
        unscale_loss_for_distribution(loss),
        sample_weight=ops.shape(first)[0],
    )


def update_metrics(model, metrics_variables, loss, x, y, y_pred, weights):
    """Updates the metrics of a step on JAX; returns the logs and their state.

    Args: the state of the metrics, then as in `keras.Model.compute_metrics`.
    """
    return model._update_metrics_variables(
        metrics_variables, loss, x, y, y_pred, weights
    )
