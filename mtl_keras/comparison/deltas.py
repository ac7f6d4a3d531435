"""Compares ways to train several tasks with one model a task (STL)."""

import dataclasses
import math
import statistics
from collections.abc import Iterable

from mtl_keras.messages import listed

# Whether more is better, by the name under which a metric is logged.
_HIGHER = (
    "accuracy",
    "ap",
    "ap50",
    "ap75",
    "auc",
    "average_precision",
    "binary_accuracy",
    "c_index",
    "categorical_accuracy",
    "coco_ap",
    "dice",
    "f1",
    "iou",
    "jaccard",
    "las",
    "mean_iou",
    "pr_auc",
    "precision",
    "r2",
    "recall",
    "sentence_accuracy",
    "span_f1",
    "sparse_categorical_accuracy",
    "uas",
    "within_11",
    "within_22",
    "within_30",
    "within_angle",
)
_LOWER = (
    "abs_rel",
    "angular_error",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "median_angle",
    "mse",
    "rmse",
    "root_mean_squared_error",
    "silog",
)
# What is logged of a task beside its metrics.
_NO_METRICS = ("loss",)
# The worst member of a group, beside the mean over all.
_WORST = "_worst"
JOINT = (
    "needs the outputs of several tasks, so STL has no value; in neither delta"
)
DEFINITIONS = {
    "delta_libmtl": (
        "The gain over STL in per cent, averaged within each task first, then "
        "over the tasks, as LibMTL does; higher is better."
    ),
    "delta_m": (
        "Delta m % of the Nash-MTL and FAMO papers: the loss against STL in "
        "per cent, averaged over all metrics; lower is better."
    ),
    "gain": (
        "A metric's gain is (value - STL) / |STL|, its sign turned where "
        "lower is better; STL is the mean over the seeds."
    ),
    "spread": "The sample standard deviation over the seeds.",
    "seconds_per_step": (
        "Median over the epochs of the seconds of the training steps, without "
        "validation, over their number; indicative, for whatever else the "
        "machine did counts. Of STL: the sum over the tasks."
    ),
    "parameters": (
        "Numbers in the model's variables. Of STL: the sum over the tasks."
    ),
    "MACs": (
        "Multiply-accumulates of one forward pass over one example; not "
        "counted where inputs have any size. Of STL: the sum over the tasks."
    ),
    "peak_memory_bytes": (
        "Highest resident memory of the run's own process up to the end of "
        "training, on the host. Of STL: the highest of its runs."
    ),
}


@dataclasses.dataclass(frozen=True)
class Measure:
    """A metric that counts.

    Args:
        task: String, whose metric it is.
        name: String, as logged behind the task's name.
        is_higher_better: Boolean.
    """

    task: str
    name: str
    is_higher_better: bool


def measures(
    keys: Iterable[str],
    tasks: Iterable[str],
    *,
    higher: Iterable[str] = (),
    lower: Iterable[str] = (),
) -> dict:
    """Chooses what counts: each metric of each task, no loss.

    Args:
        keys: Log keys, such as those of a report: `"cls_accuracy"`.
        tasks: Names of the tasks; a key belongs to the longest name it starts
            with, and one of no task does not count.
        higher: Names of further metrics of which more is better.
        lower: Names of further metrics of which less is better.

    Returns:
        Dict, log key to `Measure`, sorted.

    Raises:
        ValueError: If it is not known of a metric whether more is better, or a
            task has none.
    """
    directions = dict.fromkeys(_HIGHER, True) | dict.fromkeys(_LOWER, False)
    directions |= dict.fromkeys(higher, True) | dict.fromkeys(lower, False)
    tasks = sorted(tasks)
    measured = {}
    for key in sorted(keys):
        matching = [name for name in tasks if key.startswith(f"{name}_")]
        if not matching:
            continue
        task = max(matching, key=len)
        name = key.removeprefix(f"{task}_")
        if name in _NO_METRICS or name.endswith(_WORST):
            continue
        known = name if name in directions else name.removeprefix("weighted_")
        if known not in directions:
            raise ValueError(
                f"It is not known whether a higher {name!r} is better. "
                f"Received: the log {key!r}. Say so: give its name among "
                "those of which higher, or lower, is better "
                "(--higher_is_better, --lower_is_better)."
            )
        measured[key] = Measure(task, name, directions[known])
    without = [n for n in tasks if n not in {m.task for m in measured.values()}]
    if without:
        raise ValueError(
            f"Each task needs a metric to be compared by. {listed(without)} "
            f"has none. Received: the logs {listed(sorted(keys))}"
        )
    return measured


def comparable(counted: dict, references: Iterable[dict]) -> dict:
    """Leaves out the metrics that no model of a single task has.

    Such a metric reads the outputs of several tasks, such as the fraction of
    sentences whose intent and slots are all right. A metric that is present
    but undefined stays, and makes its deltas NaN.

    Args:
        counted: Dict, log key to `Measure`.
        references: Dicts of log keys to floats, what single tasks reached.

    Returns:
        Dict, a part of `counted`.

    Raises:
        ValueError: If a task has no other metric.
    """
    reached = {key for metrics in references for key in metrics}
    shared = {key: m for key, m in counted.items() if key in reached}
    tasks = {measure.task for measure in counted.values()}
    without = sorted(tasks - {measure.task for measure in shared.values()})
    if without:
        raise ValueError(
            f"The model of {listed(without)} alone has none of its metrics, so "
            "that nothing can be compared. Expected one of "
            f"{listed(counted)}. Received: {listed(sorted(reached))}"
        )
    return shared


def gains(values: dict, reference: dict, counted: dict) -> dict:
    """Computes each metric's gain over a reference.

    Args:
        values: Dict, log key to float, or `None` where it is not defined.
        reference: Dict, likewise.
        counted: Dict, log key to `Measure`; those that count.

    Returns:
        Dict, log key to the gain as a fraction of the reference's absolute
        value, above 0 where `values` is better; NaN where either is not
        defined or the reference is 0.
    """
    gain_by_key = {}
    for key, measure in counted.items():
        value, base = _number(values.get(key)), _number(reference.get(key))
        gain = (value - base) / abs(base) if base else math.nan
        gain_by_key[key] = gain if measure.is_higher_better else -gain
    return gain_by_key


def delta_libmtl(values: dict, reference: dict, counted: dict) -> float:
    """Averages the gains within each task first, in per cent.

    Args:
        values: As of `gains`.
        reference: As of `gains`.
        counted: As of `gains`.

    Returns:
        Float, higher is better; NaN where a gain is not defined.
    """
    gain_by_key = gains(values, reference, counted)
    by_task = {}
    for key, measure in counted.items():
        by_task.setdefault(measure.task, []).append(gain_by_key[key])
    return 100 * statistics.fmean(map(statistics.fmean, by_task.values()))


def delta_m(values: dict, reference: dict, counted: dict) -> float:
    """Averages what is lost over all metrics, in per cent.

    Args:
        values: As of `gains`.
        reference: As of `gains`.
        counted: As of `gains`.

    Returns:
        Float, lower is better; NaN where a gain is not defined.
    """
    return -100 * statistics.fmean(gains(values, reference, counted).values())


def summary(values: Iterable) -> dict:
    """Describes the values of several seeds.

    Args:
        values: Floats, or `None` where one is not defined.

    Returns:
        Dict: `"mean"`, `"spread"` (the sample standard deviation; `None` for
        one value) and `"values"`.
    """
    values = [_number(value) for value in values]
    mean = statistics.fmean(values)
    is_spread = len(values) > 1 and math.isfinite(mean)
    return {
        "mean": mean,
        "spread": statistics.stdev(values) if is_spread else None,
        "values": values,
    }


def kept_line(lines: list[dict], monitor: str | None, mode: str | None) -> dict:
    """Finds the epoch whose weights a run has kept.

    Args:
        lines: List of dicts, one an epoch, of `metrics.jsonl`.
        monitor: String, the log key that chose the epoch, or `None` for the
            last epoch.
        mode: `"min"`, `"max"` or `None` for `"min"`.

    Returns:
        Dict, the line of that epoch.

    Raises:
        ValueError: If there is no line.
    """
    if not lines:
        raise ValueError("Expected at least one epoch. Received: none")
    if monitor is None:
        return lines[-1]
    sign = -1.0 if mode == "max" else 1.0
    # The first of equals, as in training.
    return min(lines, key=lambda line: _or_worst(sign * _number(line[monitor])))


def best_rate(objectives: dict) -> float | None:
    """Chooses the learning rate with the highest objective.

    Args:
        objectives: Dict, rate to float.

    Returns:
        Float; `None` where no objective is finite.
    """
    finite = {r: v for r, v in objectives.items() if math.isfinite(v)}
    return max(finite, key=lambda rate: finite[rate]) if finite else None


def together(runs: list[dict]) -> dict:
    """Puts the runs of single tasks together, as one run of all tasks.

    Args:
        runs: List of dicts: `"metrics"`, `"seconds_per_step"` and
            `"peak_memory_bytes"`.

    Returns:
        Dict of the same form: all metrics, the sum of the seconds, the highest
        memory.
    """
    return {
        "metrics": {k: v for run in runs for k, v in run["metrics"].items()},
        "seconds_per_step": sum(run["seconds_per_step"] for run in runs),
        "peak_memory_bytes": max(run["peak_memory_bytes"] for run in runs),
    }


def rows(runs: dict, counted: dict, reference: str = "STL") -> list[dict]:
    """Works out the table.

    Args:
        runs: Dict, name to a list of dicts, one a seed: `"metrics"` (a dict of
            floats), `"seconds_per_step"` and `"peak_memory_bytes"`.
        counted: As of `gains`.
        reference: String, the name to compare with.

    Returns:
        List of dicts: the reference first, then the highest `delta_libmtl`
        first. Each holds `"name"`, `"metrics"`, both deltas and
        `"seconds_per_step"` as of `summary`, and `"peak_memory_bytes"`. The
        deltas are of the metrics that are `comparable`.

    Raises:
        ValueError: If a task has no metric that is.
    """
    compared = comparable(counted, (run["metrics"] for run in runs[reference]))
    base = {
        key: summary(run["metrics"].get(key) for run in runs[reference])["mean"]
        for key in compared
    }
    methods = []
    for name, seeds in runs.items():
        values = [run["metrics"] for run in seeds]
        methods.append(
            {
                "name": name,
                "metrics": {
                    key: summary(v.get(key) for v in values) for key in counted
                },
                "delta_libmtl": summary(
                    delta_libmtl(v, base, compared) for v in values
                ),
                "delta_m": summary(delta_m(v, base, compared) for v in values),
                "seconds_per_step": summary(
                    run["seconds_per_step"] for run in seeds
                ),
                "peak_memory_bytes": max(
                    run["peak_memory_bytes"] for run in seeds
                ),
            }
        )
    return sorted(
        methods,
        key=lambda row: (
            row["name"] != reference,
            _or_worst(-row["delta_libmtl"]["mean"]),
        ),
    )


def _number(value) -> float:
    return math.nan if value is None else float(value)


def _or_worst(value):
    """Sorts what is not defined behind the rest."""
    return math.inf if math.isnan(value) else value
