"""The contract of a balancer that weighs the tasks' losses."""

import abc

from keras import ops

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
        **kwargs: `preference` and `monitor`, as of `Balancer`.
    """

    is_weighting = True

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
        step = self._step(gramian, losses, present)
        return ops.where(step.present > 0, self._weigh(step), 0.0)

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

    def update(self, gramian=None, losses=None, present=None, *, when=None):
        """Moves the state past a step; nothing else does.

        A step whose losses or gradients are not finite leaves it as it was.

        Args:
            gramian: As of `weights`.
            losses: As of `weights`.
            present: As of `weights`.
            when: Boolean scalar tensor, whether to move at all.
        """
        step = self._step(gramian, losses, present)
        self._make_variables(step.num_tasks)
        self._move(step, when)

    def _step(self, gramian, losses, present) -> Step:
        losses, present = self._read(losses, present, gramian)
        if gramian is not None:
            gramian = ops.convert_to_tensor(gramian, dtype="float32")
            both = ops.outer(present, present)
            gramian = ops.where(both > 0, gramian, 0.0)
        state = self.state(present.shape[0])
        return Step(state, present, losses, gramian)
