"""Gradients and compiled functions on whichever backend the tests run."""

import keras
import numpy as np


def gradient(function, x):
    """Gradient of a scalar function of one array, as a NumPy array."""
    x = np.asarray(x, "float32")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x).numpy()
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(function)(x))
    raise ValueError(f"No gradient on {keras.backend.backend()!r}")


def compiled_gradient(function):
    """The gradient under XLA, as a function of an array to a NumPy array."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=True)
        def slope(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = function(x)
            return tape.gradient(y, x)

        return lambda x: slope(tf.constant(x, "float32")).numpy()
    import jax

    slope = jax.jit(jax.grad(function))
    return lambda x: np.asarray(slope(np.asarray(x, "float32")))


def compiled(function):
    """The function under XLA."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    import jax

    return jax.jit(function)


def summed(loss, y_true):
    """A scalar function of the predictions alone."""

    def total(y_pred):
        return keras.ops.sum(loss.call(y_true, y_pred))

    return total
