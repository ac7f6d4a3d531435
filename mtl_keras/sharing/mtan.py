"""MTAN: multi-task attention network.

Liu et al., CVPR 2019, https://arxiv.org/abs/1803.10704.
"""

import keras
from keras import layers

from mtl_keras.checks import boolean
from mtl_keras.sharing.architecture import Sharing, one_tensor

_CONVOLUTIONS = {3: layers.Conv1D, 4: layers.Conv2D, 5: layers.Conv3D}


@keras.saving.register_keras_serializable(package="mtl_keras")
class MTAN(Sharing):
    """Masks the features of one shared trunk for each task at every stage.

    With the shared features `p_j` of stage `j`, task `k` has the mask
    `a_kj = h_kj(g_kj([p_j; f_j(a_k(j-1) * p_(j-1))]))` and the features
    `a_kj * p_j`, without the second part at the first stage; the head reads
    those of the last. `g` and `h` are linear layers of each task's own (1x1
    convolutions of maps), each with batch normalization, then ReLU and
    sigmoid. `f_j` brings the features of a stage to the shape of the next, by
    a convolution of width 3, batch normalization and ReLU; the tasks share it,
    as in the paper. So `graph.partition` counts the masks of all stages but
    the last, which lead to it, to the trunk.

    Args:
        batch_normalization: Boolean. Defaults to `True`, as in the paper.

    Note:
        In the paper `g` reads the features within a stage, and the mask weighs
        those at its end. Of a trunk that may be any network we have the ends
        of the stages only, so both are `p_j`.
    """

    when_to_use = (
        "Dense prediction on maps, and trunks too large to copy: the tasks "
        "select from one trunk. Give the trunk as a list of stages."
    )
    cost = (
        "One trunk; a task adds 2 to 3 times channels squared weights a "
        "stage, and a shared convolution joins two stages."
    )
    drawing = """\
x -- stage 0 -----+------ stage 1 -----+
        |         |          |         |
      mask a -- f -------- mask a -- (*) ------- head a
      mask b -- f -------- mask b -- (*) ------- head b
"""

    def __init__(self, *, batch_normalization: bool = True):
        self.batch_normalization = boolean(
            "batch_normalization", batch_normalization
        )

    def features(self, inputs, task_names, trunk):
        """Builds the shared stages, then each task's masks."""
        shared, stages = inputs, []
        for place, stage in enumerate(trunk.stages):
            shared = one_tensor(stage(shared, name=f"stage_{place}"), self.name)
            stages.append(shared)
        transitions = [
            self._transition(before, after, place)
            for place, (before, after) in enumerate(
                zip(stages[:-1], stages[1:], strict=True), start=1
            )
        ]
        return {
            task: self._attended(task, stages, transitions)
            for task in task_names
        }

    def _attended(self, task, stages, transitions):
        attended = None
        for place, shared in enumerate(stages):
            prefix = f"{task}_attention_{place}"
            read = shared
            if attended is not None:
                attended = transitions[place - 1](attended)
                read = layers.Concatenate(name=f"{prefix}_input")(
                    [shared, attended]
                )
            channels = shared.shape[-1]
            hidden = self._layer(
                layers.Dense, "relu", f"{prefix}_hidden", channels
            )
            mask = self._layer(
                layers.Dense, "sigmoid", f"{prefix}_mask", channels
            )
            attended = layers.Multiply(name=f"{prefix}_features")(
                [shared, mask(hidden(read))]
            )
        return attended

    def _transition(self, before, after, place):
        name, channels = f"transition_{place}", after.shape[-1]
        rank = len(after.shape)
        if len(before.shape) != rank:
            raise ValueError(
                "The stages of a trunk of 'mtan' must return features of one "
                f"rank. Received: {tuple(before.shape)} and "
                f"{tuple(after.shape)}. Pool in the head."
            )
        if rank == 2:
            return self._layer(layers.Dense, "relu", name, channels)
        strides = _strides(before.shape, after.shape)
        return self._layer(
            _CONVOLUTIONS[rank],
            "relu",
            name,
            channels,
            kernel_size=3,
            strides=strides,
            padding="same",
        )

    def _layer(self, cls, activation, name, channels, **options):
        """Returns a function of features: a layer, its norm, an activation."""
        linear = cls(
            channels,
            use_bias=not self.batch_normalization,
            name=name,
            **options,
        )
        activate = layers.Activation(activation, name=f"{name}_{activation}")
        if not self.batch_normalization:
            return lambda features: activate(linear(features))
        normalize = layers.BatchNormalization(name=f"{name}_norm")
        return lambda features: activate(normalize(linear(features)))


def _strides(before, after) -> tuple[int, ...]:
    """Finds the strides that bring one shape of maps to another's."""
    strides = []
    for old, new in zip(before[1:-1], after[1:-1], strict=True):
        # Sizes that are unknown on both sides are taken for equal.
        stride = 1 if old is None or new is None else max(round(old / new), 1)
        if old is not None and new is not None and -(-old // stride) != new:
            raise ValueError(
                "The stages of a trunk of 'mtan' must keep the size of maps or "
                "shrink it by a whole factor, as padding='same' does. "
                f"Received: {tuple(before)} and {tuple(after)}"
            )
        strides.append(stride)
    return tuple(strides)
