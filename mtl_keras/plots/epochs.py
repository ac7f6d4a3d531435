"""Quantities over the epochs: reading them, and lines labelled at their end."""

import dataclasses
import itertools
import math
import numbers
from collections.abc import Iterable

import numpy as np

from mtl_keras.plots import figure as paper

# The eight colours solid, then the same eight with each kind of dashes.
_DASHES = (
    "-",
    (0, (4, 2)),
    (0, (1, 1.5)),
    (0, (6, 2, 1, 2)),
    (0, (8, 2, 1, 2, 1, 2)),
)
_LABEL_HEIGHT = 15
# Beyond this ratio a linear axis would show the largest values only.
_WIDE_RANGE = 30.0


@dataclasses.dataclass(frozen=True)
class Line:
    """A quantity over the epochs.

    Args:
        epochs: Array of integers.
        values: Array of floats, NaN where there is a gap.
        style: Dict, arguments of `matplotlib.axes.Axes.plot`.
        label: String at the line's last value, or `None` for a line in the
            background, without a mark at its end.
        is_bold: Boolean, whether the label is bold.
    """

    epochs: np.ndarray
    values: np.ndarray
    style: dict
    label: str | None = None
    is_bold: bool = False


def by_epoch(metrics: list[dict]) -> dict:
    """Sorts the logs of a run by epoch; the later of two for one epoch counts.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`.

    Returns:
        Dict, epoch to logs.

    Raises:
        ValueError: If an entry is not a dict.
    """
    logs = {}
    for index, entry in enumerate(metrics):
        if not isinstance(entry, dict):
            raise ValueError(
                "`metrics` must be a list of dicts, one an epoch, such as "
                f"{{'epoch': 0, 'loss': 1.2}}. Received: metrics[{index}]="
                f"{entry!r}"
            )
        logs[entry.get("epoch", index)] = entry
    return dict(sorted(logs.items()))


def keys_of(logs: dict) -> list[str]:
    """Lists the keys of all epochs in the order they first appear."""
    return list(dict.fromkeys(key for entry in logs.values() for key in entry))


def values_of(logs: dict, key: str):
    """Reads one quantity of the logs of `by_epoch`.

    Returns:
        Pair of NumPy arrays: the epochs that have a number (or `None`) there,
        and the values, NaN where they are not finite.
    """
    values = {
        epoch: math.nan if entry[key] is None else float(entry[key])
        for epoch, entry in logs.items()
        if key in entry and _is_number(entry[key])
    }
    array = np.asarray(list(values.values()), dtype=float)
    return np.asarray(list(values)), np.where(np.isfinite(array), array, np.nan)


def _is_number(value) -> bool:
    # JSON has no NaN: an undefined metric is written as null.
    return value is None or (
        isinstance(value, numbers.Real | np.number)
        and not isinstance(value, bool)
    )


def tasks_with(logs: dict, ending: str, tasks: Iterable[str] | None) -> list:
    """Lists, sorted, the tasks (`None`: any) that log a key with an ending."""
    keys = keys_of(logs)
    if tasks is None:
        tasks = [
            key.removesuffix(ending) for key in keys if key.endswith(ending)
        ]
    return sorted(name for name in tasks if name and f"{name}{ending}" in keys)


def balance_keys(tasks: Iterable[str]) -> dict:
    """Names what a balancer with `monitor=True` may log of some tasks.

    Args:
        tasks: Names of the tasks.

    Returns:
        Dict from `"weight"`, `"gradient_norm"`, `"cosine"` and `"summary"`,
        that of the cosines of many tasks, to a list of log keys.
    """
    tasks = sorted(tasks)
    return {
        "weight": [f"{name}_weight" for name in tasks],
        "gradient_norm": [f"{name}_gradient_norm" for name in tasks],
        "cosine": [
            f"{first}_{second}_cosine"
            for first, second in itertools.combinations(tasks, 2)
        ],
        "summary": ["cosine_mean", "cosine_lowest", "num_conflicts"],
    }


def styles(names: list) -> dict:
    """Maps names to line styles: colours and, beyond eight names, dashes."""
    count = len(paper.TASK_COLOURS)
    return {
        name: {
            "color": paper.TASK_COLOURS[index % count],
            "linestyle": _DASHES[index // count % len(_DASHES)],
            "linewidth": 1.8,
        }
        for index, name in enumerate(names)
    }


def last_value(values) -> float | None:
    """Returns the last finite value, or `None`."""
    finite = values[np.isfinite(values)]
    return finite[-1] if len(finite) else None


def number(value: float | None) -> str | None:
    """Writes a value in a few digits; `None` stays `None`."""
    if value is None:
        return None
    text = f"{value:.3f}" if 0.001 <= abs(value) < 100 else f"{value:.3g}"
    return text.replace("-", "−")


def draw_lines(
    axes,
    lines: list[Line],
    *,
    from_zero: bool = False,
    may_be_log: bool = False,
) -> None:
    """Draws quantities over the epochs.

    Labels of lines that end close together overlap until `arrange` is called.

    Args:
        axes: Matplotlib axes.
        lines: List of `Line`; later ones lie above earlier ones.
        from_zero: Boolean, whether a linear axis shows 0.
        may_be_log: Boolean, whether the axis is logarithmic where positive
            values differ by more than a factor of 30.
    """
    from matplotlib.ticker import MaxNLocator

    axes.grid(axis="y")
    axes.tick_params(length=3)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for line in lines:
        finite = np.isfinite(line.values)
        neighbours = np.r_[False, finite[:-1]] | np.r_[finite[1:], False]
        marked = list(np.flatnonzero(finite & ~neighbours))
        if line.label is not None and finite.any():
            last = np.flatnonzero(finite)[-1]
            marked.append(last)
            axes.annotate(
                line.label,
                (line.epochs[last], line.values[last]),
                xytext=(8, 0),
                textcoords="offset pixels",
                va="center_baseline",
                weight="bold" if line.is_bold else "normal",
                color=line.style["color"],
                annotation_clip=False,
                gid="end",
            )
        look = {"marker": ".", "markersize": 9, "clip_on": False, **line.style}
        axes.plot(line.epochs, line.values, markevery=marked, **look)
    first = min(line.epochs.min() for line in lines)
    last = max(line.epochs.max() for line in lines)
    if last > first:
        axes.set_xlim(first, last)
    else:
        # A single epoch has no width.
        axes.set(xlim=(first - 1, first + 1), xticks=[first])
    values = np.concatenate([line.values for line in lines])
    values = values[np.isfinite(values)]
    if len(values):
        _set_height(axes, values, from_zero=from_zero, may_be_log=may_be_log)
        return
    axes.set_yticks([])
    centre = {"ha": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, "no finite value", color=paper.FAINT, **centre)


def _set_height(axes, values, *, from_zero, may_be_log):
    from matplotlib.ticker import MaxNLocator, NullFormatter

    low, high = values.min(), values.max()
    if may_be_log and low > 0 and high > _WIDE_RANGE * low:
        axes.set(yscale="log", ylim=(low / 1.3, high * 1.3))
        # By default powers are written in a markup that the style turns off.
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        return
    axes.yaxis.set_major_locator(MaxNLocator(5))
    # A large offset over the axis would hide the values' size.
    axes.ticklabel_format(axis="y", useOffset=False)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    # Rounding errors of a constant must not fill the axis.
    room = max(0.06 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    starts_at_zero = from_zero and low == 0
    axes.set_ylim(low if starts_at_zero else low - room, high + room)


def arrange(figure) -> None:
    """Lays out a complete figure and moves its lines' labels apart."""
    figure.get_layout_engine().execute(figure)
    # Another layout would undo the offsets, which are in pixels.
    figure.set_layout_engine("none")
    for axes in figure.axes:
        labels = [text for text in axes.texts if text.get_gid() == "end"]
        heights = [axes.transData.transform(text.xy)[1] for text in labels]
        places = spread_out(heights, _LABEL_HEIGHT, axes.bbox.y0, axes.bbox.y1)
        for text, height, place in zip(labels, heights, places, strict=True):
            text.set_position((8, place - height))


def spread_out(heights: list, gap: float, low: float, high: float) -> list:
    """Moves labels apart, as little as needed, within their room.

    Args:
        heights: List of floats, the places that the labels would have.
        gap: Float, the least distance of two.
        low: Float, the lowest place.
        high: Float, the highest place.

    Returns:
        List of floats in the same order; closer than `gap` where the room is
        too small for all.
    """
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    if len(order) > 1:
        gap = min(gap, (high - low) / (len(order) - 1))
    places, floor, ceiling = {}, low, high
    for index in order:
        places[index] = max(heights[index], floor)
        floor = places[index] + gap
    for index in reversed(order):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    return [places[index] for index in range(len(heights))]
