"""Low-rank sharing: a shared basis, and each task's combinations of it.

Yang and Hospedales, ICLR 2017, https://arxiv.org/abs/1605.06391; Kumar and
Daume, ICML 2012, https://arxiv.org/abs/1206.6417.
"""

import keras
import numpy as np
from keras import layers

from mtl_keras.sharing import rewriting
from mtl_keras.sharing.architecture import Sharing


@keras.saving.register_keras_serializable(package="mtl_keras")
class LowRank(Sharing):
    """Factors each kernel of the trunk into a shared and an own one.

    The kernel of a dense layer or convolution, as a matrix of inputs by
    outputs, is `W_k = B W'_k` for task `k`: `B` of shape `(inputs, rank)` is
    shared, `W'_k` of shape `(rank, outputs)` and the bias are the task's own.
    At full rank each task has a trunk of its own. A trunk that comes with
    weights starts from the best approximation of them.

    Args:
        rank: Integer of at least 1, or float in (0, 1], a fraction of each
            layer's full rank. Defaults to 0.25.

    Note:
        The paper factors the tensor of all tasks' kernels, by Tucker or
        tensor-train as well; this is its simplest form, the factorisation of
        the flattened matrix, with the mixing learnt per output unit.
    """

    when_to_use = (
        "Tasks whose best kernels differ but span a common subspace; the rank "
        "sets how much is shared, from one direction to separate trunks."
    )
    cost = (
        "Each kernel of n x m becomes n r + K r m numbers; every task runs "
        "the trunk, at the cost of rank r."
    )
    drawing = """\
x --[ B1 ]--+--[ W'1a ]--[ B2 ]--[ W'2a ]-- head a
            |               |
            +--[ W'1b ]--[ B2 ]--[ W'2b ]-- head b

            B: shared       W': one for each task
"""
    levels = ("losses", "last_shared", "parameters")
    refusal = (
        "Each task runs the trunk with factors of its own, so no tensor is "
        "read by two tasks."
    )

    def __init__(self, *, rank: int | float = 0.25):
        self.rank = rewriting.checked_rank(rank)

    def features(self, inputs, task_names, trunk):
        """Runs the factored trunk once for each task."""
        return rewriting.per_task(
            trunk,
            inputs,
            task_names,
            lambda layer, tensor, task: self._factored(
                layer, tensor, task, is_pretrained=trunk.has_weights
            ),
            what=self.name,
        )

    def _factored(self, layer, tensor, task, *, is_pretrained):
        rank = rewriting.rank_of(self.rank, layer)
        basis, own = None, None
        if is_pretrained:
            basis, own = _best_factors(layer.kernel, rank)
        name = f"{layer.name}_basis"
        combinations = layers.Dense(
            layer.units, use_bias=layer.has_bias, name=f"{task}_{layer.name}"
        )
        shared = layer.shared(tensor, name, rank=rank, kernel=basis)
        outputs = combinations(shared)
        if is_pretrained:
            combinations.set_weights([own, *layer.bias])
        return layer.activate(outputs)


def _best_factors(kernel, rank):
    """Approximates a matrix by two factors; the error is the least possible."""
    left, scales, right = np.linalg.svd(kernel, full_matrices=False)
    roots = np.sqrt(scales[:rank])
    return left[:, :rank] * roots, roots[:, None] * right[:rank]
