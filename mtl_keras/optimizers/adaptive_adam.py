"""Adam whose momentum gives way where the gradient turns."""

import keras
from keras import ops

from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class AdaptiveAdam(keras.optimizers.Adam):
    """Adam with a momentum that is short where the gradient leaves it.

    A balancer turns the direction from step to step, and Adam follows the
    average of the last ten. Here the decay of a variable's first moment `m`
    goes by its cosine with the new gradient `g`:

        beta = beta_min + (beta_1 - beta_min) * (1 + cos(m, g)) / 2
        m = beta * m + (1 - beta) * g

    A gradient along the momentum counts as in Adam; one that opposes it counts
    `1 - beta_min`. `m` is divided by one minus the product of the decays so
    far, as in Adam. The second moment is Adam's. With `beta_min=beta_1` it is
    Adam.

    Args:
        learning_rate: As of `keras.optimizers.Adam`.
        beta_1: Float in [0, 1), the largest decay. Defaults to 0.9.
        beta_min: Float in [0, beta_1], the smallest decay. Defaults to 0.5.
        **kwargs: As of `keras.optimizers.Adam`, but `amsgrad`.

    Raises:
        ValueError: If `beta_min` is out of range.

    Note:
        Zhou et al. (APT, 2026, https://arxiv.org/abs/2604.08939) report that a
        balanced gradient is marginal in an update with momentum, and let the
        cosine similarity move the decay between two bounds. We had the
        abstract and summaries of that paper, not its text: the formula, taking
        the cosine a variable at a time, and the bounds are ours. What it gains
        is measured in `docs/results/balancing_under_adam.md`: little.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_min=0.5, **kwargs):
        if kwargs.get("amsgrad"):
            raise ValueError(
                "AdaptiveAdam has no `amsgrad`. Received: amsgrad="
                f"{kwargs['amsgrad']!r}. Leave it out."
            )
        beta_1 = number("beta_1", beta_1, low=0, below=1)
        super().__init__(learning_rate, beta_1=beta_1, **kwargs)
        self.beta_min = number("beta_min", beta_min, low=0, high=beta_1)

    def build(self, var_list):
        """Makes the moments, and the products of the decays.

        Args:
            var_list: List of the model's trainable variables.
        """
        if self.built:
            return
        super().build(var_list)
        self._products = [
            self.add_variable(
                shape=(), initializer="ones", dtype="float32", name="decay"
            )
            for _ in var_list
        ]

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable.

        Args:
            gradient: Tensor of the variable's shape.
            variable: Variable.
            learning_rate: Scalar tensor.
        """
        place = self._get_variable_index(variable)
        momentum, square = self._momentums[place], self._velocities[place]
        product = self._products[place]
        dtype = variable.dtype
        # A sparse one of an embedding becomes dense: the cosine is of all.
        gradient = ops.convert_to_tensor(gradient, dtype, sparse=False)
        cosine = _cosine(momentum, gradient)
        beta = self.beta_min + (self.beta_1 - self.beta_min) * (1 + cosine) / 2
        self.assign(product, product * beta)
        follow = ops.cast(1.0 - beta, dtype)
        self.assign_add(momentum, follow * (gradient - momentum))
        self.assign_add(
            square, (1 - self.beta_2) * (ops.square(gradient) - square)
        )
        steps = ops.cast(self.iterations + 1, dtype)
        started = 1 - ops.power(ops.cast(self.beta_2, dtype), steps)
        rate = ops.cast(learning_rate, dtype) * ops.sqrt(started)
        rate = rate / ops.cast(1.0 - product, dtype)
        self.assign_sub(
            variable, rate * momentum / (ops.sqrt(square) + self.epsilon)
        )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["amsgrad"]
        return {**config, "beta_min": self.beta_min}


def _cosine(one, other):
    """Returns the cosine of two tensors, 0 where one of them is 0."""
    one = ops.cast(ops.convert_to_tensor(one), "float32")
    other = ops.cast(other, "float32")

    def unit(tensor):
        # Divided by the largest: a square may leave float32's range.
        top = ops.max(ops.abs(tensor))
        tensor = tensor / ops.where(top > 0, top, 1.0)
        length = ops.sqrt(ops.sum(ops.square(tensor)))
        return tensor / ops.where(length > 0, length, 1.0)

    return ops.clip(ops.sum(unit(one) * unit(other)), -1.0, 1.0)
