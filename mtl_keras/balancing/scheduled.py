"""Weights that follow a schedule."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from mtl_keras import checks
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.groups.members import by_member, check_known
from mtl_keras.messages import did_you_mean, listed

_UNITS = ("step", "epoch")


@keras.saving.register_keras_serializable(package="mtl_keras")
class Scheduled(WeightingBalancer):
    """Gives each task a weight that changes by step or epoch as planned.

    A schedule is one of `keras.optimizers.schedules`, or a class of your own
    derived from their `LearningRateSchedule`:

    ```python
    schedules = keras.optimizers.schedules
    fade = schedules.PolynomialDecay(1.0, decay_steps=1000, end_learning_rate=0)
    model.compile("adam", loss_weights={"aux": fade, "box": 2.0})

    late = schedules.PiecewiseConstantDecay([4], [0.0, 1.0])
    model.compile("adam", loss_weights=Scheduled({"box": late}, by="epoch"))
    ```

    The count is a part of the state: training that was interrupted resumes
    where it stood. A step whose losses are not finite is not counted.

    Args:
        task_weights: Dict of task name to schedule or number; or one of these
            for every task. A schedule may be the dict that describes it, as a
            recipe does: `{"class_name": "PiecewiseConstantDecay", "config":
            {"boundaries": [4], "values": [0.0, 1.0]}}`. A task that is left
            out has the weight 1, and a weight that a schedule makes negative
            is 0.
        by: String, what a schedule is a function of: `"step"`, the steps
            trained so far, or `"epoch"`, the epochs completed. Defaults to
            `"step"`.
        monitor: Boolean, whether the logs show the weights.

    Raises:
        ValueError: If a number is negative, a dict describes no schedule of
            Keras, or `by` is something else.
        TypeError: If a value is neither a number nor a schedule of Keras.
    """

    when_to_use = (
        "You know how the weights shall change: an auxiliary task that fades "
        "out, a hard one that comes in late."
    )
    is_scale_free = True
    is_fixed = True
    # Each weight is a task's by name.
    is_equivariant = False
    takes_smoothing = False

    def __init__(
        self, task_weights=1.0, by: str = "step", *, monitor: bool = False
    ):
        super().__init__(monitor=monitor)
        if by not in _UNITS:
            raise ValueError(
                "`by` must be 'step' or 'epoch'."
                f"{did_you_mean(by, _UNITS)} Received: by={by!r}"
            )
        self.by = by
        self._plans = _checked(task_weights)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the steps or epochs so far.
        """
        return {"schedule_count": np.zeros((), "int32")}

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and checks the names.

        Args:
            tasks: Sequence of strings.
            num_parameters: Integer, the size of the shared variables.

        Raises:
            ValueError: If a weight names a task that does not exist.
        """
        if isinstance(self._plans, dict):
            check_known("loss_weights", self._plans, tuple(tasks), self.groups)
        super().bind(tasks, num_parameters)

    def on_epoch_end(self) -> None:
        """Counts an epoch."""
        if self.by == "epoch" and self._variables:
            count = self._variables["schedule_count"]
            count.assign(ops.convert_to_tensor(count) + 1)

    def _weigh(self, step):
        plans = self._plans
        if isinstance(plans, dict):
            plans = by_member(plans, self.groups)
            names = self.tasks if self.tasks is not None else sorted(plans)
            if len(names) != step.num_tasks:
                raise ValueError(
                    f"This balancer weighs {len(names)} tasks by name. "
                    f"Received: {step.num_tasks} tasks. Name each task, or "
                    "compile a model with this balancer first."
                )
            plans = [plans.get(name, 1.0) for name in names]
        else:
            plans = [plans] * step.num_tasks
        count = step.state["schedule_count"]
        weights = ops.stack(
            [
                ops.cast(plan(count) if callable(plan) else plan, "float32")
                for plan in plans
            ]
        )
        return ops.maximum(weights, 0.0)

    def _advance(self, step):
        count = step.state["schedule_count"]
        return {"schedule_count": count + (1 if self.by == "step" else 0)}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        plans = self._plans
        if isinstance(plans, dict):
            plans = {name: _as_data(plan) for name, plan in plans.items()}
        else:
            plans = _as_data(plans)
        return {**super().get_config(), "task_weights": plans, "by": self.by}

    @classmethod
    def from_config(cls, config: dict) -> "Scheduled":
        """Makes the balancer that `get_config` described."""
        plans = config.get("task_weights", 1.0)
        if isinstance(plans, dict) and "class_name" not in plans:
            plans = {name: _from_data(plan) for name, plan in plans.items()}
        else:
            plans = _from_data(plans)
        return cls(**{**config, "task_weights": plans})


def _checked(task_weights):
    if isinstance(task_weights, Mapping) and "class_name" not in task_weights:
        return {
            name: _checked_plan(repr(name), plan)
            for name, plan in task_weights.items()
        }
    return _checked_plan("every task", task_weights)


def _checked_plan(name, plan):
    if isinstance(plan, Mapping):
        plan = _described(name, plan)
    if isinstance(plan, keras.optimizers.schedules.LearningRateSchedule):
        return plan
    if callable(plan):
        raise TypeError(
            "A scheduled weight must be a number or a LearningRateSchedule of "
            f"Keras, which can be saved. Received: {plan!r} for {name}. Derive "
            "a class from keras.optimizers.schedules.LearningRateSchedule."
        )
    return checks.number("loss_weights", plan, low=0)


def _described(name, plan):
    schedules = keras.optimizers.schedules
    known = sorted(
        name
        for name, each in vars(schedules).items()
        if isinstance(each, type) and name != "LearningRateSchedule"
    )
    options, received = plan.get("config"), plan.get("class_name")
    if received not in known or not isinstance(options, Mapping):
        raise ValueError(
            "A schedule in a dict has a `class_name`, one of "
            f"{listed(known)}, and its arguments as `config`."
            f"{did_you_mean(str(received), known)} Received: {dict(plan)} for "
            f"{name}"
        )
    try:
        return getattr(schedules, received)(**options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The schedule of {name} cannot be made: {error} Received: "
            f"{dict(plan)}"
        ) from error


def _as_data(plan):
    if callable(plan):
        return keras.saving.serialize_keras_object(plan)
    return plan


def _from_data(plan):
    if isinstance(plan, dict):
        return keras.saving.deserialize_keras_object(plan)
    return plan
