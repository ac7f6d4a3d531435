"""FORUM: a first-order multi-gradient method for bilevel balancing.

Ye et al., ECAI 2024, https://arxiv.org/abs/2401.09257.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import adam
from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.masked import softmax
from mtl_keras.balancing.simplex_weights import among_present, moved_on
from mtl_keras.balancing.solvers import simplex_program
from mtl_keras.balancing.solvers.unit_rows import unit_rows
from mtl_keras.checks import number

# Of the squares that a sum of rows is made of, in float32.
_ROUNDING = 1e-6


@keras.saving.register_keras_serializable(package="mtl_keras")
class FORUM(GradientBalancer):
    """Lowers every loss on one half batch while the weighted one is solved.

    The lower level is the training itself: the network's parameters minimise
    `f = sum s[k] * losses[k]`, `s = softmax(logits)`, on one half of the
    batch. The upper level has the `K` losses on the other half as objectives,
    and chooses the logits and the parameters under the constraint that `f` is
    at its minimum: `q = f - min f <= 0`.

    The minimum is estimated by gradient steps that move the parameters by
    `inner_rate`; to first order `q` has the slope `s @ J1` in the parameters
    and `(diag(s) - s s^T) @ gap` in the logits, with
    `gap = inner_rate * J1 @ J1.T @ s`. With `g` both slopes and `U` the rows
    of `J2` at length one, the direction is the shortest `d` that is best for
    the worst objective and lowers `q`: `d = w @ U + nu * g`, where `w` on the
    simplex and `nu >= 0` minimise

        |w @ U + nu * g|^2 / 2 - nu * rho * |g|^2

    `w` is averaged over the steps, by `t ** -decay` at step `t`, and `nu`
    follows from the average. Adam moves the logits, which start at 0, along
    their part of `d`; the optimizer moves the parameters along theirs.

    Losses are in units of the mean length of the gradients, and so is the
    direction. An absent task keeps its weights. A row of zeros takes no part
    in the problem. Equal and opposite rows cancel as far as their weights are
    equal.

    Args:
        rho: Float of at least 0, how fast `q` must fall. Defaults to 0.1.
        inner_rate: Float above 0, the learning rate of the lower level times
            its number of steps. Defaults to 0.5.
        learning_rate: Float above 0, of the logits. Defaults to 1e-3.
        decay: Float in [0, 1], the exponent of the average's decay; 0 takes
            each step's `w`. Defaults to 0.75.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`. `on` may be
            `"parameters"` or `"last_shared"`: examples share no feature, so
            that gradients of two halves there have nothing in common.

    Note:
        The method and the defaults were taken from the authors' code. It
        computes `gap` by five passes at the rate 0.1, counts epochs in the
        decay, has no half before the square, and its losses keep their unit.
        Its direction has the rows of both batches; ours is that of the whole
        batch: `mean(|J|) * w[k] / |J[k]| + nu * s[k]` for each row. Both
        levels are those of the shared variables, and each head follows its
        own loss, where the code moves heads along `d`.
    """

    when_to_use = (
        "All tasks count, as in moml, but each step must also serve every "
        "task on the other half of the batch."
    )
    # As of `MGDA`.
    most_tasks = 256
    levels = ("parameters", "last_shared")
    needs_halves = True
    solves_in_steps = True

    def __init__(
        self,
        rho: float = 0.1,
        inner_rate: float = 0.5,
        learning_rate: float = 1e-3,
        decay: float = 0.75,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.rho = number("rho", rho, low=0)
        self.inner_rate = number("inner_rate", inner_rate, above=0)
        self.learning_rate = number("learning_rate", learning_rate, above=0)
        self.decay = number("decay", decay, low=0, high=1)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the logits, Adam's moments, the averaged
            weights and the steps.
        """
        return {
            "logits": np.zeros(num_tasks, "float32"),
            **adam.initial_state(num_tasks),
            "task_weights": np.full(num_tasks, 1 / num_tasks, "float32"),
            "steps": np.zeros((), "int32"),
        }

    def _weigh(self, step):
        return self._solved(step)[0]

    def _advance(self, step):
        return self._solved(step)[1]

    def _solved(self, step):
        """Returns the weights of the rows, and the state after the step."""
        state, present = step.state, step.present
        size = step.num_tasks
        lengths = ops.sqrt(ops.maximum(ops.diagonal(step.gramian), 0.0))
        unit = ops.sum(present * lengths) / ops.maximum(ops.sum(present), 1.0)
        # One after the other: the square may leave float32's range.
        inverse = 1.0 / ops.where(unit > 0, unit, 1.0)
        halves = step.halves * inverse * inverse
        inner, outer = halves[:size, :size], halves[size:, size:]
        shares = softmax(state["logits"], present > 0)
        pull = ops.matmul(inner, shares[:, None])[:, 0]
        slope = _slope_of_logits(shares, self.inner_rate * pull)
        own = ops.diagonal(inner)
        square = ops.sum(shares * pull)
        # What cancels but for rounding has no direction.
        is_open = square > _ROUNDING * ops.sum(shares * shares * own)
        length = ops.sqrt(
            ops.where(is_open, square + ops.sum(slope * slope), 1.0)
        )
        cosines, _, inverses = unit_rows(outer)
        along = ops.matmul(shares[None, :], halves[:size, size:])[0]
        along = ops.clip(along * inverses / length, -1.0, 1.0)
        along = ops.where(is_open, along, 0.0)
        takes_part = ops.logical_and(present > 0, inverses > 0)
        best = self._best(cosines, along, length, takes_part, is_open)

        steps = state["steps"] + 1
        rate = ops.power(ops.cast(steps, "float32"), -self.decay)
        old = state["task_weights"]
        known = ops.cast(takes_part, "float32")
        before = among_present(old, known)
        averaged = moved_on(old, before + rate * (best - before), known)
        mix = among_present(
            averaged, present * ops.cast(lengths > 0, "float32")
        )
        force = ops.maximum(self.rho * length - ops.sum(mix * along), 0.0)
        force = ops.where(is_open, force / length, 0.0)
        weights = mix * unit / ops.where(lengths > 0, lengths, 1.0)

        moves = ops.logical_and(present > 0, own > 0)
        change, moments = adam.step(
            state, force * slope, moves, self.learning_rate
        )
        return weights + force * shares, {
            "logits": state["logits"] + change,
            **moments,
            "task_weights": averaged,
            "steps": steps,
        }

    def _best(self, cosines, along, length, takes_part, is_open):
        """Solves the problem of the direction for `w`."""
        size = along.shape[0]
        last = ops.concatenate([along, ops.ones((1,), "float32")])
        matrix = ops.concatenate([cosines, along[None, :]], axis=0)
        matrix = ops.concatenate([matrix, last[:, None]], axis=1)
        linear = ops.concatenate(
            [ops.zeros((size,), "float32"), -self.rho * length[None]]
        )
        takes_part = ops.concatenate([takes_part, is_open[None]])
        is_task = np.arange(size + 1) < size
        return simplex_program.minimum(matrix, linear, is_task, takes_part)[
            :size
        ]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "inner_rate": self.inner_rate,
            "learning_rate": self.learning_rate,
            "decay": self.decay,
        }


def _slope_of_logits(shares, gap):
    """Returns `(diag(s) - s s^T) @ gap`, 0 where it is rounding alone.

    Adam would amplify that.
    """
    slope = shares * (gap - ops.sum(shares * gap))
    least = _ROUNDING * ops.max(shares * ops.abs(gap))
    return ops.where(ops.abs(slope) > least, slope, ops.zeros_like(slope))
