"""NDDR-CNN: neural discriminative dimensionality reduction.

Gao et al., CVPR 2019, https://arxiv.org/abs/1801.08297.
"""

import keras
from keras import layers

from mtl_keras.checks import boolean, number
from mtl_keras.sharing.architecture import Sharing
from mtl_keras.sharing.cross_stitch import stage_of_each_task
from mtl_keras.sharing.layers.block_identity import BlockIdentity


@keras.saving.register_keras_serializable(package="mtl_keras")
class NDDR(Sharing):
    """Fuses the tasks' features by a linear layer after every stage.

    Each task has a copy of the trunk. After each stage the features of all
    tasks are concatenated along their channels, and a linear layer of each
    task's own (a 1x1 convolution of maps) brings them back to the channels of
    the stage; batch normalization and an activation follow. The linear layer
    starts as `own` times the task's own features plus `(1 - own) / (K - 1)`
    times each other task's. One task has no such layer.

    Args:
        own: Float in [0, 1]. Defaults to 0.9, as in the paper.
        batch_normalization: Boolean. Defaults to `True`, as in the paper.
        activation: Name of an activation, or `None`. Defaults to `"relu"`, as
            in the authors' code, for trunks whose stages end in one.

    Note:
        The paper adds weight decay on the fusing layers: give the optimizer
        one, or compile with `shared_regularizer`.
    """

    when_to_use = (
        "As `cross_stitch`, when a channel of one task should be able to use "
        "all channels of another."
    )
    cost = "K trunks, and K * channels squared weights a task and stage."
    drawing = """\
   +-- stage a --+-- [a;b] -- linear a -- stage a ... head a
x -+             |
   +-- stage b --+-- [a;b] -- linear b -- stage b ... head b
"""

    def __init__(
        self,
        *,
        own: float = 0.9,
        batch_normalization: bool = True,
        activation: str | None = "relu",
    ):
        self.own = number("own", own, low=0, high=1)
        self.batch_normalization = boolean(
            "batch_normalization", batch_normalization
        )
        self.activation = _checked_activation(activation)

    def features(self, inputs, task_names, trunk):
        """Builds the stages of all tasks, fused in between."""
        columns = dict.fromkeys(task_names, inputs)
        for place, stage in enumerate(trunk.stages):
            columns = stage_of_each_task(stage, columns, place, self.name)
            if len(task_names) > 1:
                fused = layers.Concatenate(name=f"stage_{place}_concatenated")(
                    list(columns.values())
                )
                columns = {
                    task: self._reduced(fused, task, index, place, columns)
                    for index, task in enumerate(task_names)
                }
        return columns

    def _reduced(self, fused, task, index, place, columns):
        prefix = f"{task}_nddr_{place}"
        features = layers.Dense(
            columns[task].shape[-1],
            use_bias=not self.batch_normalization,
            kernel_initializer=BlockIdentity(index, len(columns), self.own),
            name=prefix,
        )(fused)
        if self.batch_normalization:
            normalize = layers.BatchNormalization(name=f"{prefix}_norm")
            features = normalize(features)
        if self.activation is not None:
            activate = layers.Activation(
                self.activation, name=f"{prefix}_activation"
            )
            features = activate(features)
        return features


def _checked_activation(activation):
    if activation is None or isinstance(activation, str):
        # Raises for a name that Keras does not know.
        keras.activations.get(activation)
        return activation
    raise ValueError(
        "`activation` must be the name of an activation of Keras, or None. "
        f"Received: activation={activation!r}"
    )
