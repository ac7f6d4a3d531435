"""TensorFlow's update of the weights, and its undoing."""

import warnings

import keras
import tensorflow as tf

from mtl_keras import compat


class Update:
    """Applies a step's gradients; undoes a step that is to be skipped.

    To be made before the step changes anything.

    Args:
        model: `MultiTaskModel` that is compiled.
    """

    def __init__(self, model):
        self._model = model
        self._is_finite = None
        self._state = self._tracked = ()
        if model.finite_watch.skips:
            state, tracked = model.undone_by_skipping()
            # Reading a variable copies nothing until it is assigned to.
            self._state = [(v, tf.identity(v.value)) for v in state]
            self._tracked = [(v, tf.identity(v.value)) for v in tracked]

    def apply(
        self, gradients: list, variables: list, total, absent: set[str]
    ) -> None:
        """Updates the weights, unless the step is skipped.

        Args:
            gradients: List of tensors or `None`, under the loss scale.
            variables: List of variables, one a gradient.
            total: Scalar tensor, the total loss.
            absent: Set of strings, the tasks that are not among the labels:
                what only they reach gets zeros.
        """
        model = self._model
        optimizer, watch = model.optimizer, model.finite_watch
        gradients = _with_zeros(gradients, variables, watch, absent)
        dense = [
            g.values if isinstance(g, tf.IndexedSlices) else g
            for g in gradients
        ]
        is_overflow = None
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # At a scale of 1 or less the scale isn't what overflows.
            is_overflow = optimizer.scale_loss(tf.ones(())) > 1.0
        self._is_finite = watch.update_state(
            total, dense, variables, is_overflow
        )

        def update():
            if variables:
                pairs = zip(gradients, variables, strict=True)
                optimizer.apply_gradients(pairs)

        if not watch.skips:
            update()
            return
        if variables and not optimizer.built:
            # Variables cannot be made within a branch.
            optimizer.build(variables)
        # XLA for CPUs runs a branch on one thread; this one is short.
        self._where_finite(update, self._state)

    def logs(self, logs: dict) -> dict:
        """Takes the step out of the logs, if it was skipped.

        Args:
            logs: Dict, as of `compute_metrics`.

        Returns:
            Dict with the same keys.
        """
        if not self._model.finite_watch.skips:
            return logs
        self._where_finite(lambda: None, self._tracked)
        return {**logs, **self._model.get_metrics_result()}

    def _where_finite(self, update, before):
        def undo():
            for variable, value in before:
                variable.assign(value)
            return True

        tf.cond(self._is_finite, lambda: (update(), True)[1], undo)


def _with_zeros(gradients, variables, watch, absent) -> list:
    """Gives what only absent tasks reach zeros, so that optimizers move on."""
    if not absent:
        return gradients
    owners = {None, *absent}
    return [
        _unmoved(variable)
        if gradient is None and watch.head_of(variable) in owners
        else gradient
        for gradient, variable in zip(gradients, variables, strict=True)
    ]


def _unmoved(variable):
    if variable.overwrite_with_gradient:
        return variable.value
    return tf.zeros_like(variable.value)


def absent_tasks(model, y) -> set[str]:
    """Names the tasks that the labels of a batch leave out.

    Args:
        model: `MultiTaskModel`.
        y: Labels, as `fit` gives them.

    Returns:
        Set of strings.
    """
    if not isinstance(y, dict):
        return set()
    return {name for name in model.tasks if y.get(name) is None}


def plain_step(model, data) -> dict:
    """Takes Keras's own training step, with an `Update`.

    As `TensorFlowTrainer.train_step` of Keras 3.15.

    Args:
        model: `MultiTaskModel` without a step plan.
        data: Batch, as `fit` gives it.

    Returns:
        Dict, the logs.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    update = Update(model)
    with tf.GradientTape() as tape:
        y_pred = compat.call_in_training(model, x)
        loss = compat.training_loss(model, x, y, y_pred, sample_weight)
        compat.track_total_loss(model, x, loss)
        scaled = model.optimizer.scale_loss(loss)
    variables = model.trainable_weights
    if variables:
        gradients = tape.gradient(scaled, variables)
    else:
        warnings.warn(
            "The model does not have any trainable weights.", stacklevel=2
        )
        gradients = []
    update.apply(gradients, variables, loss, absent_tasks(model, y))
    logs = model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
    return update.logs(logs)
