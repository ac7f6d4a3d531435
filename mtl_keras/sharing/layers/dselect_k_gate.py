"""A gate that selects at most `k` experts and is differentiable."""

import math

import keras
import numpy as np
from keras import layers, ops

# A sum of probabilities below this counts as this.
_LEAST = 1e-6


def smooth_step(t, gamma: float):
    """Rises from exactly 0 to exactly 1 by a cubic (Hazimeh et al., eq. 4).

    Args:
        t: Tensor.
        gamma: Float above 0, the width: 0 up to `-gamma / 2`, 1 from
            `gamma / 2`.

    Returns:
        Tensor of the same shape.
    """
    inside = ops.clip(t, -gamma / 2, gamma / 2)
    cubic = -2 / gamma**3 * inside**3 + 3 / (2 * gamma) * inside + 0.5
    # The cubic's rounding error would otherwise remain at the ends.
    cubic = ops.where(t <= -gamma / 2, 0.0, cubic)
    return ops.where(t >= gamma / 2, 1.0, cubic)


@keras.saving.register_keras_serializable(package="mtl_keras")
class DSelectKGate(layers.Layer):
    """Weighs experts, at most `k` of them with other weights than 0.

    Each of `k` selectors chooses one expert by the binary digits of its number
    (Hazimeh et al., eq. 5); a softmax weighs the selectors. In training the
    selectors start undecided and end with digits of exactly 0 or 1, which the
    penalty `entropy` hastens.

    Input: the tensor `(batch, channels)` that the choice depends on; of a gate
    that is the same for all examples, its values are not read. Output: weights
    `(batch, num_experts)`, or `(1, num_experts)`.

    Args:
        num_experts: Integer of at least 2.
        k: Integer, from 1 to `num_experts`.
        gamma: Float above 0, the width of the smooth step.
        entropy: Float, the factor of the selectors' entropy in the loss.
        per_example: Boolean, whether the choice depends on the input.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(
        self,
        num_experts: int,
        k: int,
        gamma: float,
        entropy: float,
        per_example: bool,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.num_experts = num_experts
        self.k = k
        self.gamma = gamma
        self.entropy = entropy
        self.per_example = per_example
        self._num_digits = math.ceil(math.log2(num_experts))
        places = np.arange(self._num_digits)[::-1]
        numbers = np.arange(num_experts)[:, np.newaxis]
        self._codes = (numbers >> places) % 2 == 1

    def build(self, input_shape):
        """Creates the logits of the digits and of the selectors' weights."""
        small = keras.initializers.RandomUniform(
            -self.gamma / 100, self.gamma / 100
        )
        digits, weights = (self.k, self._num_digits), (self.k,)
        if self.per_example:
            channels = input_shape[-1]
            self.digits_kernel = self.add_weight(
                (channels, math.prod(digits)), small, name="digits_kernel"
            )
            self.weights_kernel = self.add_weight(
                (channels, self.k), "random_uniform", name="weights_kernel"
            )
            digits = (math.prod(digits),)
        # The penalty of a gate without input depends on variables alone.
        penalty = None if self.per_example else self._penalty_of_digits
        self.digits = self.add_weight(
            digits, small, regularizer=penalty, name="digits"
        )
        self.weights_bias = self.add_weight(
            weights, "random_uniform", name="selector_weights"
        )

    def call(self, inputs, training=False):
        """Computes the experts' weights."""
        digits, weights = self.digits[np.newaxis], self.weights_bias[np.newaxis]
        if self.per_example:
            inputs = ops.cast(inputs, "float32")
            digits = digits + ops.matmul(inputs, self.digits_kernel)
            weights = weights + ops.matmul(inputs, self.weights_kernel)
            digits = ops.reshape(digits, (-1, self.k, self._num_digits))
        selected = self._selected(digits)
        if self.per_example and training:
            self.add_loss(self._penalty(selected))
        if self.k == 1:
            return selected[:, 0]
        weights = ops.softmax(weights, axis=-1)
        return ops.sum(weights[:, :, np.newaxis] * selected, axis=1)

    def _selected(self, digits):
        """Returns each selector's probabilities of the experts."""
        steps = smooth_step(digits, self.gamma)[..., np.newaxis, :]
        factors = ops.where(self._codes, steps, 1.0 - steps)
        return ops.prod(factors, axis=-1)

    def _penalty_of_digits(self, digits):
        return self._penalty(self._selected(digits[np.newaxis]))

    def _penalty(self, selected):
        """Adds up the selectors' penalties; a mean over the examples."""
        # x log x is 0 at 0, and so is its gradient there.
        logs = ops.log(ops.where(selected > 0, selected, 1.0))
        penalty = -self.entropy * ops.sum(selected * logs, axis=(1, 2))
        if self.num_experts < 2**self._num_digits:
            # Codes without an expert lose: 0 where a selector has none of
            # them. The authors add 1 / sum, with the same gradient.
            reached = ops.maximum(ops.sum(selected, axis=-1), _LEAST)
            penalty = penalty + ops.sum(1.0 / reached - 1.0, axis=-1)
        return ops.mean(penalty)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the weights."""
        batch = input_shape[0] if self.per_example else 1
        return batch, self.num_experts

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_experts": self.num_experts,
            "k": self.k,
            "gamma": self.gamma,
            "entropy": self.entropy,
            "per_example": self.per_example,
        }
