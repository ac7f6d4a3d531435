"""The contract of a balancer that weighs the tasks' losses."""

import abc

import numpy as np
from keras import ops

from mtl_keras import checks
from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.reading import read_jacobian
from mtl_keras.balancing.step import Step


class WeightingBalancer(Balancer):
    """Gives each task's loss a weight.

    A method of the losses alone derives from it and implements `_weigh(step)`,
    of a `Step`: pure, of fixed shapes, in float32 and in `keras.ops`. Weights
    of absent tasks are set to 0 afterwards. Methods that read gradients
    derive from `GradientBalancer`.

    Args:
        smoothing: Float in [0, 1), how much of the weights' average is kept
            at each step: the tasks are weighed by
            `smoothing * average + (1 - smoothing) * weights`, which is the
            average of the next step. It starts at the first weights. A task
            without labels keeps its average. Defaults to 0, none.
        **kwargs: `preference` and `monitor`, as of `Balancer`.

    Attributes:
        takes_smoothing: Boolean; `False` of weights that a user sets, or that
            are learned in small steps already.

    Note:
        CR-MOGM (Zhou et al., NeurIPS 2022) averages weights that sum to 1,
        from equal ones, against the bias of noisy gradients. Weights of any
        scale start at themselves here. The average comes last, after
        `rescale`, and a direction of averaged weights may conflict with a
        task where that of the weights themselves does not. What a method
        multiplies the heads' losses with is not averaged.
    """

    is_weighting = True
    takes_smoothing = True

    def __init__(self, *, smoothing: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.smoothing = checks.number("smoothing", smoothing, low=0, below=1)
        if self.smoothing and not self.takes_smoothing:
            raise ValueError(
                f"{type(self).__name__} takes no `smoothing`: its weights do "
                "not change from batch to batch. "
                f"Received: smoothing={smoothing!r}"
            )

    @abc.abstractmethod
    def _weigh(self, step: Step):
        """Computes the weights, shape `(num_tasks,)`; pure."""

    def weights(self, gramian=None, losses=None, present=None):
        """Computes the tasks' weights for this batch.

        Args:
            gramian: Float tensor of shape `(num_tasks, num_tasks)`, the inner
                products of the tasks' gradients, where the method reads them.
            losses: Float tensor of shape `(num_tasks,)`, where it reads them.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are present.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.

        Raises:
            ValueError: If what the method reads is missing, or shapes
                disagree.
        """
        return self._weights_of(self._step(gramian, losses, present))

    def _weights_of(self, step):
        weights = ops.where(step.present > 0, self._weigh(step), 0.0)
        return self._smoothed(weights, step)

    def head_weights(self, losses=None, present=None):
        """Computes what each task's loss is multiplied with at its head.

        A method of the losses multiplies the whole loss.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.
        """
        return self.weights(losses=losses, present=present)

    def combine_rows(self, jacobian, losses=None, present=None):
        """Adds the rows up, each with its weight.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`.
            losses: As of `weights`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_parameters,)`.
        """
        jacobian = read_jacobian(jacobian)
        _, present = self._read(losses, present, jacobian)
        # An absent task's row may hold anything: 0 times NaN is NaN.
        jacobian = ops.where(present[:, None] > 0, jacobian, 0.0)
        gramian = ops.matmul(jacobian, ops.transpose(jacobian))
        weights = self.weights(gramian, losses, present)
        return ops.matmul(weights, jacobian)

    def update(
        self,
        gramian=None,
        losses=None,
        present=None,
        *,
        when=None,
        weights=None,
        halves=None,
    ):
        """Moves the state past a step; nothing else does.

        A step whose losses or gradients are not finite leaves it as it was.

        Args:
            gramian: As of `weights`.
            losses: As of `weights`.
            present: As of `weights`.
            when: Boolean scalar tensor, whether to move at all.
            weights: Tensor, what `weights` returned for this step; computed
                anew where `smoothing` needs it and it is left out.
            halves: As of `GradientBalancer.weights`.
        """
        step = self._step(gramian, losses, present, halves)
        self._make_variables(step.num_tasks)
        more = {}
        if self.smoothing:
            if weights is None:
                weights = self._weights_of(step)
            state = step.state
            is_new = ops.logical_and(step.present > 0, ops.isfinite(weights))
            more = {
                "average": ops.where(is_new, weights, state["average"]),
                "averaged": ops.where(is_new, 1.0, state["averaged"]),
            }
        self._move(step, when, more)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = super().get_config()
        return {
            **config,
            **({"smoothing": self.smoothing} if self.takes_smoothing else {}),
        }

    def _first_state(self, num_tasks: int) -> dict:
        state = self.initial_state(num_tasks)
        if self.smoothing:
            names = ("average", "averaged")
            zeros = {name: np.zeros(num_tasks, "float32") for name in names}
            state = {**state, **zeros}
        return state

    def _smoothed(self, weights, step):
        if not self.smoothing:
            return weights
        average = step.state["average"]
        mixed = average + (1.0 - self.smoothing) * (weights - average)
        is_known = ops.logical_and(step.state["averaged"] > 0, step.present > 0)
        return ops.where(is_known, mixed, weights)

    def _step(self, gramian, losses, present, halves=None) -> Step:
        losses, present = self._read(losses, present, gramian)
        if gramian is not None:
            gramian = ops.convert_to_tensor(gramian, dtype="float32")
            both = ops.outer(present, present)
            gramian = ops.where(both > 0, gramian, 0.0)
        state = self.state(present.shape[0])
        return Step(state, present, losses, gramian, halves)
