"""A penalty on the weights that all tasks share, and on no others."""

import keras

from mtl_keras.messages import unknown
from mtl_keras.sharing.kernels import kernels

_NAMES = ("l1", "l2", "l1_l2", "orthogonal_regularizer")


class SharedPenalty:
    """The penalty of one compiled model.

    Regularizes the trainable kernels of the trunk (see `kernels`), in addition
    to a layer's own `kernel_regularizer`. Adds the penalties of the
    architecture that built the model.

    Args:
        regularizer: Regularizer of Keras, its name, config, or a function of
            a weight; `None` for no penalty.
        parts: The model's `graph.Partition`.
        model: `MultiTaskModel`, for its `sharing`. Defaults to `None`.

    Raises:
        ValueError: If the regularizer is unknown, or the tasks share no
            kernel.
    """

    def __init__(self, regularizer, parts, model=None):
        self._model = model
        self.regularizer = _regularizer(regularizer)
        self.kernels = []
        if self.regularizer is None:
            return
        # A frozen trunk included: `losses` checks `trainable` at each step.
        self.kernels = kernels(parts.shared_variables)
        if not self.kernels:
            raise ValueError(
                "`shared_regularizer` has nothing to act on: the tasks of "
                "this model share no kernel. mtl_keras.graph.describe(model) "
                "shows what is shared. "
                f"Received: shared_regularizer={regularizer!r}"
            )

    def losses(self) -> list:
        """Returns the penalties, scalar tensors."""
        losses = [
            self.regularizer(keras.ops.convert_to_tensor(kernel))
            for kernel in self.kernels
            if kernel.trainable
        ]
        sharing = getattr(self._model, "sharing", None)
        if sharing is not None:
            losses.extend(sharing.penalties(self._model))
        return losses


def _regularizer(identifier):
    try:
        return keras.regularizers.get(identifier)
    except (ValueError, TypeError) as error:
        if not isinstance(identifier, str):
            raise ValueError(
                "`shared_regularizer` must be a regularizer of Keras, its "
                f"name or a function. Received: {identifier!r}"
            ) from error
        raise ValueError(
            unknown("`shared_regularizer`", identifier, _NAMES)
        ) from error
