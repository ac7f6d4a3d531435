"""GradDrop: just pick a sign.

Chen et al., NeurIPS 2020, https://arxiv.org/abs/2010.06808.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import draws
from mtl_keras.balancing.jacobian_balancer import JacobianBalancer
from mtl_keras.checks import integer, number


@keras.saving.register_keras_serializable(package="mtl_keras")
class GradDrop(JacobianBalancer):
    """Keeps, in each place, the gradients of one sign, drawn by their size.

    In each column of `J`, `purity = (1 + sum J / sum |J|) / 2` is the chance
    that the positive entries are kept, and else the negative ones are:

        direction = sum_k (leak + (1 - leak) * kept[k]) * J[k]

    At the features, all examples of the batch share one sign for each
    feature: the paper's algorithm 1 takes the sums of the gradients, each
    multiplied by the sign of its activation, over the batch.

    A zero row has no say, and a column of zeros stays zero. Of two equal and
    opposite entries, one survives, either by chance. The draws depend on
    `seed` and the step alone: backends and replicas agree.

    Args:
        leak: Float in [0, 1]. How much of the dropped gradients passes; 1 is
            the plain sum. Defaults to 0.
        seed: Integer. Defaults to 0.
        **kwargs: `on`, `rescale` and `monitor`, as of `GradientBalancer`;
            `on` defaults to `"features"`, as in the paper.

    Note:
        The paper allows a leak for each task, and a monotone function of the
        purity, often the identity, as here.
    """

    when_to_use = (
        "Conflicts element by element; adds noise that helps to explore."
    )
    levels = ("features", "parameters")
    is_scale_free = True

    # Rows are merged one by one.
    most_tasks = 256

    def __init__(self, leak: float = 0.0, *, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.leak = number("leak", leak, low=0, high=1)
        self.seed = integer("seed", seed)

    def initial_state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.
            num_parameters: Integer, how many numbers a row holds.
        """
        return {"steps": np.zeros((), "int32")}

    def keeps_positive(self, signed, sizes, state=None, *, stream: int = 0):
        """Draws, for each place, whether its positive entries are kept; pure.

        Args:
            signed: Float tensor of shape `(n,)`, the sum of the tasks'
                gradients; at the features, summed over the batch and
                replicas, each gradient times the sign of its activation.
            sizes: Float tensor of shape `(n,)`, the sum of their absolute
                values.
            state: Dict, the state; the balancer's own where `None`.
            stream: Integer, another one for each tensor of features, so that
                their draws differ.

        Returns:
            Boolean tensor of shape `(n,)`, false where the negative entries
            are kept.
        """
        if state is None:
            state = self.state(1, 1)
        some = sizes > 0
        purity = 0.5 * (1.0 + signed / ops.where(some, sizes, 1.0))
        draw = draws.uniform(
            self.seed, state["steps"], tuple(signed.shape), stream
        )
        # A draw is below 1 and may be 0: where all entries are positive they
        # are always kept, and where all are negative never.
        return purity > draw

    def _merge(self, step):
        jacobian = step.jacobian
        signed = ops.sum(jacobian, axis=0)
        sizes = ops.sum(ops.abs(jacobian), axis=0)
        positive = ops.sum(ops.maximum(jacobian, 0.0), axis=0)
        negative = ops.sum(ops.minimum(jacobian, 0.0), axis=0)
        keeps = self.keeps_positive(signed, sizes, step.state)
        surviving = ops.where(keeps, positive, negative)
        dropped = ops.where(keeps, negative, positive)
        return surviving + self.leak * dropped

    def _merge_frontier(self, step):
        return [
            self._merge_features(tensor, step.state, stream)
            for stream, tensor in enumerate(step.frontier)
        ]

    def _merge_features(self, tensor, state, stream):
        """Keeps one sign a feature, the same for all examples of the batch."""
        gradients = tensor.gradients
        sign = ops.sign(ops.cast(tensor.values, "float32"))
        sums = [
            ops.sum(
                sign * ops.cast(gradient, "float32"),
                axis=tensor.example_axes,
                keepdims=True,
            )
            for gradient in gradients
        ]
        sums = tensor.sum_over_replicas(sums)
        stacked = ops.reshape(ops.stack(sums), (len(sums), -1))
        keeps = self.keeps_positive(
            ops.sum(stacked, axis=0),
            ops.sum(ops.abs(stacked), axis=0),
            state,
            stream=stream,
        )
        total = 0.0
        for gradient, signed in zip(gradients, sums, strict=True):
            is_positive = ops.reshape(keeps, signed.shape)
            is_kept = ops.where(is_positive, signed > 0, signed < 0)
            factor = self.leak + (1.0 - self.leak) * ops.cast(
                is_kept, "float32"
            )
            total = total + factor * ops.cast(gradient, "float32")
        return ops.cast(total, gradients[0].dtype)

    def _advance(self, step):
        return {"steps": step.state["steps"] + 1}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "leak": self.leak, "seed": self.seed}
