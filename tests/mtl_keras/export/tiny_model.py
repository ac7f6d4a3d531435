"""The smallest model that exports, for tests of what lies around it."""

import keras


def tiny_model(seed=0):
    """One input `x` of 2 numbers, one task `a` of 3."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((2,), name="x")
    return keras.Model(x, {"a": keras.layers.Dense(3, name="a")(x)})
