"""What a search looks for: the gain over single tasks, or a task's metric."""

import dataclasses
import math
from collections.abc import Iterable

from mtl_keras import comparison
from mtl_keras.messages import listed, unknown

GAIN = "gain"
_SUMS = ("loss", "val_loss")
_LOSS = "loss"


@dataclasses.dataclass(frozen=True)
class Objective:
    """What a search makes as good as it can.

    Attributes:
        name: String, `"gain"` or a log key of one task: `"cls_accuracy"`.
        is_higher_better: Boolean.
        counted: Dict, log key to `comparison.Measure`: all that the gain is
            the mean of, and what a table shows.
    """

    name: str
    is_higher_better: bool
    counted: dict

    @property
    def direction(self) -> str:
        """`"max"` or `"min"`, as KerasTuner calls it."""
        return "max" if self.is_higher_better else "min"

    @property
    def is_gain(self) -> bool:
        """Whether single-task models are needed to compare with."""
        return self.name == GAIN

    def value(self, logs: dict, references: dict | None = None) -> float:
        """Computes the objective of a trained model.

        Args:
            logs: Dict, log key without `val_` to float or `None`, measured on
                the validation data.
            references: Dict of the same form, of single-task models; read for
                the gain only.

        Returns:
            Float; NaN where it is not defined. The gain is in per cent.
        """
        if not self.is_gain:
            logged = logs.get(self.name)
            return math.nan if logged is None else float(logged)
        counted = defined(self.counted, references)
        return comparison.delta_libmtl(logs, references, counted)

    def better(self, value: float, other: float) -> bool:
        """Tells whether a value is better than another; NaN never is."""
        if math.isnan(value) or math.isnan(other):
            return math.isnan(other) and not math.isnan(value)
        return value > other if self.is_higher_better else value < other


def refuse_sum(name: object) -> None:
    """Refuses the sum of the tasks' losses; needs no backend.

    Args:
        name: What was given as the objective.

    Raises:
        ValueError: If it is `"loss"` or `"val_loss"`.
    """
    if name in _SUMS:
        raise ValueError(
            f"{name!r} is the weighted sum of the losses. A search varies the "
            "weights, so the sums of two trials are on two scales. Expected "
            "'gain' or a metric of one task, such as 'cls_accuracy'. "
            f"Received: objective={name!r}"
        )


def resolve(
    name: str,
    keys: Iterable[str],
    tasks: Iterable[str],
    *,
    higher: Iterable[str] = (),
    lower: Iterable[str] = (),
) -> Objective:
    """Finds out what an objective means for a model.

    Args:
        name: String: `"gain"`, or a log key such as `"cls_accuracy"`, with or
            without `val_` before it; it is measured on validation data.
        keys: Log keys of the model's metrics.
        tasks: Names of its tasks.
        higher: Names of metrics of your own of which more is better.
        lower: Names of metrics of your own of which less is better.

    Returns:
        `Objective`.

    Raises:
        ValueError: If the objective is a sum over tasks, is unknown, or it is
            not known whether more of it is better.
    """
    refuse_sum(name)
    tasks = sorted(tasks)
    counted = comparison.measures(keys, tasks, higher=higher, lower=lower)
    losses = [f"{task}_{_LOSS}" for task in tasks]
    if name == GAIN:
        return Objective(GAIN, True, counted)
    key = str(name).removeprefix("val_")
    if key in counted:
        return Objective(key, counted[key].is_higher_better, counted)
    if key in losses:
        # A task's own loss is logged before anything weighs it.
        return Objective(key, False, counted)
    raise ValueError(unknown("objective", name, [GAIN, *counted, *losses]))


def defined(counted: dict, references: dict) -> dict:
    """Leaves out the metrics of which no relative gain exists.

    Args:
        counted: Dict, log key to `comparison.Measure`.
        references: Dict, log key to float or `None`.

    Returns:
        Dict, the part of `counted` whose reference is a number other than 0.

    Raises:
        ValueError: If a task has no such metric.
    """
    with_reference = {
        key: measure
        for key, measure in counted.items()
        if references.get(key) and math.isfinite(references[key])
    }
    tasks = {measure.task for measure in counted.values()}
    without = sorted(
        tasks - {measure.task for measure in with_reference.values()}
    )
    if without:
        unlabelled = [
            task
            for task in without
            if not any(
                math.isfinite(_number(references.get(key)))
                for key, measure in counted.items()
                if measure.task == task
            )
        ]
        if unlabelled:
            raise ValueError(
                f"The metrics of {listed(unlabelled)} are not defined for a "
                "model of that task alone, so that no gain over it exists: "
                "the validation data need labels of each task. Received: the "
                f"references {references}"
            )
        raise ValueError(
            f"The single-task model of {listed(without)} reached no metric "
            "other than 0, so that no relative gain over it exists. Received: "
            f"the references {references}. Train longer or on more data, or "
            "choose the metric of a task as the objective."
        )
    return with_reference


def _number(value) -> float:
    return math.nan if value is None else value
