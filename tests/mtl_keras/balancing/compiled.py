"""Runs a function as a step does, not one operation after the other."""

import keras


def compiled(function, *, xla: bool = False):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=xla)
    import jax

    return jax.jit(function)
