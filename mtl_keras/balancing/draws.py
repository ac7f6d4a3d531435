"""Random numbers that are the same on every backend, device and replica.

`keras.random` draws differ between TensorFlow and JAX, and between XLA on and
off. A method that draws takes its numbers from here: a hash of a seed, the
step and the place in the tensor, as counter-based generators do (Salmon et
al., SC 2011). Two rounds of MurmurHash3's finaliser (Appleby, 2016) mix well
enough for choosing an order or a sign.
"""

import numpy as np
from keras import ops


def uniform(seed: int, step, shape: tuple[int, ...], stream: int = 0):
    """Draws numbers in [0, 1).

    Args:
        seed: Integer, a balancer's hyperparameter.
        step: int32 scalar tensor, the step; the same step, the same numbers.
        shape: Tuple of integers.
        stream: Integer, another one for each use within a step.

    Returns:
        float32 tensor of that shape.
    """
    size = int(np.prod(shape)) if shape else 1
    place = ops.arange(size, dtype="int32")
    step = ops.cast(step, "int32")
    key = _mixed(step + _wrapped(seed * 0x9E3779B9 + stream * 0x85EBCA6B + 1))
    bits = _mixed(_mixed(place + key) + key)
    # 24 bits fill float32's mantissa; the sign bit must not come along.
    bits = ops.bitwise_and(_shifted(bits, 8), 0xFFFFFF)
    numbers = ops.cast(bits, "float32") / float(1 << 24)
    return ops.reshape(numbers, shape)


def normal(seed: int, step, shape: tuple[int, ...], stream: int = 0):
    """Draws standard normal numbers, by Box and Muller (1958).

    Args:
        seed: Integer.
        step: int32 scalar tensor.
        shape: Tuple of integers.
        stream: Integer; `stream + 1` is used up as well.

    Returns:
        float32 tensor of that shape.
    """
    radius = uniform(seed, step, shape, stream)
    angle = uniform(seed, step, shape, stream + 1)
    radius = ops.sqrt(-2.0 * ops.log(1.0 - radius))
    return radius * ops.cos(2.0 * np.pi * angle)


def _mixed(bits):
    bits = ops.bitwise_xor(bits, _shifted(bits, 16))
    bits = bits * _wrapped(0x85EBCA6B)
    bits = ops.bitwise_xor(bits, _shifted(bits, 13))
    bits = bits * _wrapped(0xC2B2AE35)
    return ops.bitwise_xor(bits, _shifted(bits, 16))


def _shifted(bits, places):
    # int32 shifts drag the sign along; the mask drops it.
    mask = (1 << (32 - places)) - 1
    return ops.bitwise_and(ops.bitwise_right_shift(bits, places), mask)


def _wrapped(number):
    return ((number & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000
