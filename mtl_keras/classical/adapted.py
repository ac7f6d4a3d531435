"""Layers whose weights are computed from data by `adapt`, not trained."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers, ops

from mtl_keras import checks


class Adapted(layers.Layer):
    """An affine map `(x - shift) @ kernel` that `adapt` computes.

    Calling it before `adapt` is an error; a layer that was loaded or cloned
    has the weights of the one it was made from.

    Args:
        num_components: Integer of at least 1, the number of outputs, or
            `None`: what the data give.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, num_components: int | None = None, **kwargs):
        # Raw inputs may exceed what half precision holds.
        options = {"trainable": False, **kwargs, "autocast": False}
        super().__init__(**options)
        if num_components is not None:
            checks.integer("num_components", num_components, low=1)
        self.num_components = num_components
        self._is_adapted = self._has_source = False
        self.shift = self.kernel = None

    def build(self, input_shape):
        """Makes the weights, NaN until they are computed or loaded."""
        size = self._checked_size(input_shape)
        if self.num_components is None:
            self._refuse_call()
        self.input_spec = layers.InputSpec(ndim=2, axes={-1: size})
        nan = keras.initializers.Constant(float("nan"))
        self.shift = self.add_weight(
            shape=(size,),
            initializer=nan,
            trainable=False,
            autocast=False,
            name="shift",
        )
        self.kernel = self.add_weight(
            shape=(size, self.num_components),
            initializer=nan,
            trainable=False,
            autocast=False,
            name="kernel",
        )

    def call(self, inputs):
        """Maps vectors of shape `(batch, size)`."""
        if not (self._is_adapted or self._has_source):
            self._refuse_call()
        inputs = ops.cast(inputs, self.variable_dtype)
        outputs = ops.matmul(inputs - self.shift, self.kernel)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the shape with the last axis of the components."""
        return (*input_shape[:-1], self.num_components)

    def load_own_variables(self, store):
        """Loads the weights of an adapted layer."""
        super().load_own_variables(store)
        self._is_adapted = True

    @classmethod
    def from_config(cls, config):
        """Makes a layer whose weights come from the one of the config."""
        layer = super().from_config(config)
        layer._has_source = True
        return layer

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "num_components": self.num_components,
        }

    def _assign(self, shift, kernel):
        """Takes over what was computed."""
        if self.num_components is None:
            self.num_components = kernel.shape[1]
        if kernel.shape[1] != self.num_components:
            raise ValueError(
                f"{self.name!r} has {self.num_components} components, and the "
                f"data give {kernel.shape[1]}. Leave out `num_components`."
            )
        if not self.built:
            self.build((None, len(kernel)))
            self.built = True
        if tuple(self.kernel.shape) != kernel.shape:
            raise ValueError(
                f"{self.name!r} was built for inputs of {self.kernel.shape[0]} "
                f"numbers. Received: data of {len(kernel)} columns"
            )
        self.shift.assign(np.asarray(shift, "float32"))
        self.kernel.assign(np.asarray(kernel, "float32"))
        self._is_adapted = True

    def _checked_size(self, shape) -> int:
        if len(shape) != 2 or shape[-1] is None:
            raise ValueError(
                f"{self.name!r} reads vectors of shape (batch, size). "
                f"Received: inputs of shape {tuple(shape)}. Flatten or pool "
                "them first."
            )
        return int(shape[-1])

    def _refuse_call(self):
        raise ValueError(
            f"{self.name!r} is not fitted. Call `layer.adapt(data)` with the "
            "training data first."
        )


def matrix(name: str, data) -> np.ndarray:
    """Reads the vectors that a layer is fitted to.

    Args:
        name: String, the layer, for the error.
        data: Array of shape `(examples, size)`, or an iterable of such
            batches, such as a `tf.data.Dataset`.

    Returns:
        float64 array.

    Raises:
        ValueError: If the rank is not 2, there are fewer than two examples,
            or a value is not finite.
    """
    is_batches = hasattr(data, "__iter__") and not (
        hasattr(data, "shape") or isinstance(data, list | tuple | str | Mapping)
    )
    if is_batches:
        batches = [_batch(name, batch) for batch in data]
        if len({batch.shape[1:] for batch in batches}) != 1:
            shapes = sorted({batch.shape for batch in batches})
            raise ValueError(
                f"{name!r} is fitted to batches of shape (batch, size), of one "
                f"size. Received: shapes {shapes or '(no batch)'}"
            )
        data = np.concatenate(batches)
    array = checks.array(name, data)
    if array.ndim != 2 or len(array) < 2 or not array.shape[1]:
        raise ValueError(
            f"{name!r} is fitted to vectors of shape (examples, size), of two "
            f"or more examples. Received: data of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name!r} is fitted to finite numbers. Received: NaN or infinite "
            "values. Fill in missing ones first."
        )
    return array


def _batch(name, batch) -> np.ndarray:
    if isinstance(batch, tuple | list | Mapping):
        raise ValueError(
            f"{name!r} is fitted to batches of inputs alone. Received: a batch "
            f"of type {type(batch).__name__}. Leave out the labels: "
            "data.map(lambda x, y: x)."
        )
    return np.atleast_1d(checks.array(name, batch))
