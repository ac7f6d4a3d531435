"""LoRA: a low-rank adapter for each task on one trunk.

Hu et al., ICLR 2022, https://arxiv.org/abs/2106.09685; for several tasks
Agiza et al., CVPR 2024, https://arxiv.org/abs/2403.20320.
"""

import keras
from keras import layers

from mtl_keras import checks
from mtl_keras.sharing import rewriting
from mtl_keras.sharing.architecture import Sharing


@keras.saving.register_keras_serializable(package="mtl_keras")
class Lora(Sharing):
    """Adds a low-rank update of each task's own to every shared kernel.

    A dense layer or convolution of the trunk has the kernel
    `W_k = W + alpha / rank * A_k B_k` for task `k`: `W` and the bias are
    shared, `A_k` and `B_k` are the task's own. `B_k` starts at zero, so that
    training starts from hard sharing.

    Args:
        rank: Integer of at least 1, or float in (0, 1], a fraction of each
            layer's full rank. Defaults to 4.
        alpha: Number above 0. Defaults to `None`: equal to the rank.
        train_trunk: Boolean, whether the shared kernels that are rewritten
            are trained. `False` leaves a pretrained trunk as it is. Defaults
            to `True`.
    """

    when_to_use = (
        "A pretrained trunk that the tasks should change little and each in "
        "its own direction; one trunk is stored, and a few numbers a task."
    )
    cost = (
        "K r (n + m) numbers for each kernel of n x m; every task runs the "
        "trunk, so K trunks in time."
    )
    drawing = """\
    +--[ W1 + A1a B1a ]--[ W2 + A2a B2a ]-- head a
x --+
    +--[ W1 + A1b B1b ]--[ W2 + A2b B2b ]-- head b

    W: shared        A B: one for each task, of low rank
"""
    levels = ("losses", "last_shared", "parameters")
    refusal = (
        "Each task runs the trunk with adapters of its own, so no tensor is "
        "read by two tasks."
    )

    def __init__(
        self,
        *,
        rank: int | float = 4,
        alpha: float | None = None,
        train_trunk: bool = True,
    ):
        self.rank = rewriting.checked_rank(rank)
        self.alpha = alpha
        if alpha is not None:
            self.alpha = checks.number("alpha", alpha, above=0)
        self.train_trunk = checks.boolean("train_trunk", train_trunk)

    def features(self, inputs, task_names, trunk):
        """Runs the trunk once for each task, with its adapters."""
        return rewriting.per_task(
            trunk, inputs, task_names, self._adapted, what=self.name
        )

    def _adapted(self, layer, tensor, task):
        rank = rewriting.rank_of(self.rank, layer)
        name = f"{task}_{layer.name}"
        down = layer.variant(
            f"{name}_down", rank=rank, kernel_initializer="he_uniform"
        )
        up = layers.Dense(
            layer.units,
            use_bias=False,
            kernel_initializer="zeros",
            name=f"{name}_up",
        )
        update = up(down(tensor))
        if self.alpha not in (None, rank):
            update = layers.Rescaling(self.alpha / rank, name=f"{name}_scale")(
                update
            )
        shared = layer.linear(tensor, trainable=self.train_trunk)
        outputs = layers.Add(name=f"{name}_sum")([shared, update])
        return layer.activate(outputs)
