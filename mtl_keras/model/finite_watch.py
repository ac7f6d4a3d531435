"""Finds losses and gradients that are not finite, within the compiled step."""

import keras
import numpy as np
from keras import ops

from mtl_keras import engine
from mtl_keras.messages import unknown

RAISE, SKIP_STEP = "raise", "skip_step"
MODES = (RAISE, SKIP_STEP)
SKIPPED = "skipped_steps"


class NonFiniteError(ValueError):
    """Training produced losses or gradients that are NaN or infinite."""


class FiniteWatch(keras.metrics.Metric):
    """Keeps the first step of an epoch whose values are not finite.

    The values are each task's loss, the total loss, and the sums of the
    gradients of the trunk and of each head. A sum costs one pass over a
    gradient, and is NaN or infinite if any of its entries is. A compiled step
    cannot raise; `raise_nonfinite` does so between steps.

    A step that is skipped changes neither weights nor statistics, balancer,
    optimizer or logs. An overflow under `LossScaleOptimizer`, at a scale
    above 1, is not counted: that optimizer skips the update itself.

    A sum overflows to infinity on finite entries whose sum exceeds 3e38, far
    beyond the 1e19 whose square an optimizer can hold.

    Args:
        tasks: Tuple of strings, the trained tasks.
        parts: The model's `graph.Partition`.
        mode: String, `"raise"` or `"skip_step"`.

    Raises:
        ValueError: If the mode is unknown.
    """

    def __init__(self, tasks, parts, mode: str):
        if mode not in MODES:
            raise ValueError(unknown("value of `on_nonfinite`", mode, MODES))
        super().__init__(name="finite_watch", dtype="float32")
        self.skips = mode == SKIP_STEP
        self._parts = _Parts(parts)
        self._places = (
            *(f"the loss of {name!r}" for name in tasks),
            "the total loss",
            *self._parts.gradients,
        )
        self.losses = self.add_variable((len(tasks),), "zeros", name="losses")
        self.values = self.add_variable(
            (len(self._places),), "zeros", name="values"
        )
        self.steps = self.add_variable((), "zeros", name="steps")
        self.skipped = self.add_variable((), "zeros", name="skipped")

    def head_of(self, variable) -> str | None:
        """Returns the task whose head owns a variable; `None` of another."""
        return self._parts.head_of(variable)

    def see_losses(self, losses) -> None:
        """Keeps the tasks' losses of the step until its gradients are known.

        Args:
            losses: float32 tensor of shape `(num_tasks,)`.
        """
        if self.losses.shape[0]:
            self.losses.assign(losses)

    def update_state(self, total, gradients, variables, is_overflow=None):
        """Adds a step.

        Args:
            total: Scalar tensor, the total loss.
            gradients: List of tensors, `None` for an unused variable.
            variables: List of variables, one a gradient.
            is_overflow: Boolean tensor, whether a gradient that is not finite
                is an overflow, which the optimizer handles; `None`: never.

        Returns:
            Boolean tensor, whether every value is finite.
        """
        sums = self._parts.sums(gradients, variables)
        if is_overflow is not None:
            sums = ops.where(is_overflow, 0.0, sums)
        total = ops.reshape(ops.cast(total, "float32"), (1,))
        values = ops.concatenate(
            [ops.convert_to_tensor(self.losses), total, sums]
        )
        (values,) = engine.sum_over_replicas([values])
        is_finite = ops.all(ops.isfinite(values))
        # A variable's value is the sum over replicas, which all add the same.
        one = 1.0 / engine.num_replicas()
        if self.skips:
            self.skipped.assign_add(ops.where(is_finite, 0.0, one))
            return is_finite
        # Once a value is not finite, nothing changes any more.
        kept = ops.convert_to_tensor(self.values)
        is_sound = ops.all(ops.isfinite(kept))
        self.values.assign(ops.where(is_sound, values, kept))
        self.steps.assign_add(ops.where(is_sound, one, 0.0))
        return is_finite

    def result(self):
        """Returns the number of steps that were skipped."""
        return ops.convert_to_tensor(self.skipped)

    def logs(self) -> dict:
        """Returns the number of skipped steps, where steps are skipped."""
        return {SKIPPED: self.result()} if self.skips else {}

    def places(self) -> list[str]:
        """Lists what was not finite in the first such step."""
        values = ops.convert_to_numpy(ops.convert_to_tensor(self.values))
        bad = [
            place
            for place, value in zip(self._places, values, strict=True)
            if not np.isfinite(value)
        ]
        of_tasks = [place for place in bad if place != "the total loss"]
        # The total is a sum of the others and of penalties.
        return of_tasks or bad

    def first_step(self) -> int:
        """Returns the number of that step, counted from 1."""
        steps = ops.convert_to_numpy(ops.convert_to_tensor(self.steps))
        return round(float(steps))


class _Parts:
    """Which part of the model owns a variable; not tracked by Keras."""

    def __init__(self, parts):
        groups = [parts.shared_variables, *parts.task_variables.values()]
        self._tasks = tuple(parts.task_variables)
        self.gradients = (
            "the gradient of the trunk",
            *(
                f"the gradient of the head of {name!r}"
                for name in parts.task_variables
            ),
            "the gradient of the balancer",
        )
        # Holds the variables: an `id` may pass to another one otherwise.
        self._owners = {
            id(v): (place, v)
            for place, group in enumerate(groups)
            for v in group
        }

    def head_of(self, variable):
        place, _ = self._owners.get(id(variable), (0, None))
        return None if place == 0 else self._tasks[place - 1]

    def sums(self, gradients, variables):
        last = len(self.gradients) - 1
        sums = [[] for _ in self.gradients]
        for gradient, variable in zip(gradients, variables, strict=True):
            if gradient is not None:
                place, _ = self._owners.get(id(variable), (last, None))
                whole = ops.sum(ops.cast(gradient, "float32"))
                sums[place].append(whole)
        return ops.stack(
            [
                ops.sum(ops.stack(group)) if group else ops.zeros(())
                for group in sums
            ]
        )


class FiniteCheck(keras.callbacks.Callback):
    """Raises between batches if a step was not finite.

    After the batches 1, 2, 4, 8, ... of `fit` and every 100th: a device that
    runs ahead of the host would wait at each check. `evaluate` and the end of
    an epoch check as well.

    Args:
        check: Function of the model that raises.
    """

    def __init__(self, check):
        super().__init__()
        self._check = check
        self._num_batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch, for the error."""
        self.model.note_epoch(epoch + 1)

    def on_train_batch_end(self, batch, logs=None):
        """Checks after few of the batches."""
        self._num_batches += 1
        number = self._num_batches
        if number & (number - 1) == 0 or number % 100 == 0:
            # `self.model` brings the state back from a step of JAX.
            self._check(self.model)

    def on_epoch_end(self, epoch, logs=None):
        """Checks the epoch."""
        self._check(self.model)

    def on_train_end(self, logs=None):
        """Ends the count of epochs."""
        self.model.note_epoch(None)


def raise_nonfinite(watch: FiniteWatch, epoch: int | None) -> None:
    """Raises if a step was not finite and steps are not skipped.

    Args:
        watch: `FiniteWatch`; starts anew where this raises.
        epoch: Integer, the epoch counted from 1; `None` outside of `fit`.

    Raises:
        NonFiniteError: If a value was not finite.
    """
    places = [] if watch.skips else watch.places()
    if not places:
        return
    step = "this step"
    if epoch is not None:
        step = f"step {watch.first_step()} of epoch {epoch}"
    watch.reset_state()
    listed = ", ".join(places[:4])
    if len(places) > 4:
        listed += f" and {len(places) - 4} more"
    raise NonFiniteError(
        f"Training expects finite losses and gradients. Received: {listed} is "
        f"NaN or infinite in {step}. Check that batch, lower the learning "
        "rate, or compile with on_nonfinite='skip_step'."
    )
