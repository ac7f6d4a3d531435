"""The gradient of each task's loss by given variables, on TensorFlow."""

import tensorflow as tf


def task_gradients(model, variables):
    """Makes the function; see `Backend.task_gradients`."""
    values = [variable.value for variable in variables]

    @tf.function(autograph=False)
    def compute(x, y, sample_weight, with_gradients):
        with tf.GradientTape(persistent=True) as tape:
            losses = model.task_losses(
                y, model(x, training=False), sample_weight, training=False
            )
            # The means themselves, `losses`, carry no gradient.
            each = tf.unstack(losses.shares)
        rows = []
        if with_gradients:
            by_task = [
                tape.gradient(loss, values, unconnected_gradients="zero")
                for loss in each
            ]
            rows = [
                tf.stack([tf.convert_to_tensor(row[k]) for row in by_task])
                for k in range(len(values))
            ]
        return losses.losses, losses.present, rows

    def function(x, y, sample_weight, *, with_gradients=True):
        # Cached by shapes: a batch's numbers are arguments, not constants.
        arguments = tf.nest.map_structure(
            lambda a: None if a is None else tf.convert_to_tensor(a),
            (x, y, sample_weight),
        )
        losses, present, rows = compute(*arguments, with_gradients)
        return losses.numpy(), present.numpy(), [row.numpy() for row in rows]

    return function
