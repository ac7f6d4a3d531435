"""Mapped parameters: each task scales and shifts those of one trunk.

Mudrakarta et al., ICLR 2019, https://arxiv.org/abs/1810.10703; Sun et al.,
CVPR 2019, https://arxiv.org/abs/1812.02391.
"""

import keras
from keras import layers

from mtl_keras.sharing import rewriting
from mtl_keras.sharing.architecture import Sharing


@keras.saving.register_keras_serializable(package="mtl_keras")
class Mapped(Sharing):
    """Maps one trunk's parameters to each task's: `theta_k = phi_k(theta)`.

    In a dense layer or convolution, task `k` has a scale `s_k` and a shift
    `t_k` for each output unit: its kernel is `s_k * W`, its bias
    `s_k * b + t_k`. They start at 1 and 0, so that training starts from hard
    sharing.
    """

    when_to_use = (
        "Many tasks that use the same features with other strengths, where a "
        "task may cost only two numbers a unit."
    )
    cost = (
        "2 K m numbers for each layer of m units; every task runs the trunk, "
        "so K trunks in time."
    )
    drawing = """\
    +--[ s1a W1 + t1a ]--[ s2a W2 + t2a ]-- head a
x --+
    +--[ s1b W1 + t1b ]--[ s2b W2 + t2b ]-- head b

    W: shared        s, t: one for each task and unit
"""
    levels = ("losses", "last_shared", "parameters")
    refusal = (
        "Each task runs the trunk with parameters of its own, mapped from "
        "those that are shared, so no tensor is read by two tasks."
    )

    def features(self, inputs, task_names, trunk):
        """Runs the trunk once for each task, with its mapping."""
        return rewriting.per_task(
            trunk, inputs, task_names, _mapped, what=self.name
        )


def _mapped(layer, tensor, task):
    mapping = ScaleShift(name=f"{task}_{layer.name}")
    return layer.activate(mapping(layer.linear(tensor)))


@keras.saving.register_keras_serializable(package="mtl_keras")
class ScaleShift(layers.Layer):
    """Scales and shifts the last axis: `x * scale + shift`.

    It follows a layer `x @ W + b`, and so maps its parameters.
    """

    def build(self, input_shape):
        """Creates scales of 1 and shifts of 0."""
        size = (input_shape[-1],)
        self.scale = self.add_weight(size, initializer="ones", name="scale")
        self.shift = self.add_weight(size, initializer="zeros", name="shift")

    def call(self, inputs):
        """Scales and shifts."""
        return inputs * self.scale + self.shift

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape
