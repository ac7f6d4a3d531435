"""Soft sharing: a trunk for each task, tied by a penalty.

L2: Duong et al., ACL 2015, https://aclanthology.org/P15-2139; trace norm: Yang
and Hospedales, 2016, https://arxiv.org/abs/1606.04038.
"""

import keras
from keras import ops

from mtl_keras import checks, compat
from mtl_keras.messages import unknown
from mtl_keras.sharing.architecture import Sharing
from mtl_keras.sharing.kernels import kernels

_NORMS = ("l2", "trace")


@keras.saving.register_keras_serializable(package="mtl_keras")
class Soft(Sharing):
    """Gives each task a trunk of its own and pulls the trunks together.

    For each kernel of the trunk, with `W_k` that of task `k`, the penalty is
    `strength * sum_k |W_k - mean(W)|^2` (`"l2"`), or `strength` times the sum
    of the singular values of the matrix whose rows are the flattened `W_k`
    (`"trace"`), which lowers its rank: the tasks' kernels become combinations
    of few. A strength of 0 leaves separate models.

    Args:
        norm: `"l2"` or `"trace"`. Defaults to `"l2"`.
        strength: Number of at least 0. Defaults to 0.01.
        same_start: Boolean, whether all trunks start with the same weights.
            Defaults to `True`.
    """

    when_to_use = (
        "Tasks that are related but disagree in places; the strength leads "
        "from separate models to one trunk."
    )
    cost = "K trunks in parameters and time."
    drawing = """\
    +-- trunk a -- head a
x --+      :
    |      :  penalty on the difference
    |      :
    +-- trunk b -- head b
"""
    levels = ("losses",)
    refusal = (
        "Each task has a trunk of its own, tied by a penalty: no tensor and "
        "no variable receives the gradients of two tasks."
    )

    def __init__(
        self,
        *,
        norm: str = "l2",
        strength: float = 0.01,
        same_start: bool = True,
    ):
        if norm not in _NORMS:
            raise ValueError(unknown("norm", norm, _NORMS))
        self.norm = norm
        self.strength = checks.number("strength", strength, low=0)
        self.same_start = checks.boolean("same_start", same_start)

    def features(self, inputs, task_names, trunk):
        """Builds a copy of the trunk for each task."""
        copies = {n: trunk.model(inputs, _trunk_name(n)) for n in task_names}
        first, *others = copies.values()
        for name, copy in copies.items():
            shapes = [v.shape for v in copy.weights]
            expected = [v.shape for v in first.weights]
            if shapes != expected:
                raise ValueError(
                    "The sharing 'soft' ties the tasks' trunks variable by "
                    f"variable. The trunk of {name!r} has the shapes {shapes}. "
                    f"Expected {expected}. Received a `trunk` that builds "
                    "another network at each call."
                )
        if self.same_start:
            for copy in others:
                copy.set_weights(first.get_weights())
        return {name: copy(inputs) for name, copy in copies.items()}

    def penalties(self, model):
        """Returns the penalty of each kernel of the trunk."""
        if len(model.output) < 2 or self.strength == 0:
            return []
        trunks = {
            layer.name: layer
            for layer in compat.nested_layers(model)
            if isinstance(layer, keras.Model)
        }
        by_task = [
            kernels(trunks[_trunk_name(name)].trainable_variables)
            for name in sorted(model.output)
        ]
        measure = _spread if self.norm == "l2" else trace_norm
        return [
            self.strength * measure(_rows(tied))
            for tied in zip(*by_task, strict=True)
        ]


def _trunk_name(task) -> str:
    return f"{task}_trunk"


def _rows(variables):
    """Stacks variables into a float32 matrix with one row for each."""
    flat = [
        ops.reshape(ops.cast(ops.convert_to_tensor(v), "float32"), (-1,))
        for v in variables
    ]
    return ops.stack(flat)


def _spread(rows):
    return ops.sum(ops.square(rows - ops.mean(rows, axis=0, keepdims=True)))


def trace_norm(rows):
    """Computes the sum of a matrix's singular values.

    Args:
        rows: float32 tensor of shape `(tasks, size)`.

    Returns:
        float32 scalar. Its gradient is `(M M')^(-1/2) M`, with the singular
        values that vanish floored at 1e-3 of the norm of `M`; it is computed
        without that of the eigenvectors, which is not finite where two
        singular values are equal.
    """
    gramian = ops.matmul(rows, ops.transpose(rows))
    values, vectors = ops.eigh(ops.stop_gradient(gramian))
    floor = 1e-6 * ops.sum(ops.maximum(values, 0.0)) + 1e-30
    inverse_roots = 1.0 / ops.sqrt(ops.maximum(values, floor))
    root = ops.matmul(vectors * inverse_roots, ops.transpose(vectors))
    # tr(P G) with P = G^(-1/2) is the norm; half its gradient in G is right.
    norm = ops.sum(root * gramian)
    return 0.5 * norm + 0.5 * ops.stop_gradient(norm)
