"""What is drawn over the epochs: reading it, and lines with their ends."""

import itertools
import math
import numbers
from collections.abc import Iterable

import numpy as np

from mtl_keras.plots import figure as paper

# Eight colours, then the same ones dashed, then dotted.
_DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
_LINE_HEIGHT = 15
# Beyond this, a linear axis shows the largest only.
_WIDE_RANGE = 30.0


def by_epoch(metrics: list[dict]) -> dict:
    """Sorts the lines of a run; of two lines for one epoch the later counts.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`.

    Returns:
        Dict, epoch to line.

    Raises:
        ValueError: If a line is no dict.
    """
    lines = {}
    for index, line in enumerate(metrics):
        if not isinstance(line, dict):
            raise ValueError(
                "`metrics` must be a list of dicts, one an epoch, such as "
                f"{{'epoch': 0, 'loss': 1.2}}. Received: metrics[{index}]="
                f"{line!r}"
            )
        lines[line.get("epoch", index)] = line
    return dict(sorted(lines.items()))


def is_number(value) -> bool:
    """Tells whether an entry of a line is drawn."""
    # JSON has no NaN: a metric that is not defined is written as null.
    return value is None or (
        isinstance(value, numbers.Real | np.number)
        and not isinstance(value, bool)
    )


def values_of(lines: dict, key: str):
    """Reads one quantity; NaN where it is not finite.

    Args:
        lines: Dict, epoch to line, of `by_epoch`.
        key: String.

    Returns:
        Pair of NumPy arrays, the epochs that have it and its values.
    """
    found = {
        epoch: math.nan if line[key] is None else float(line[key])
        for epoch, line in lines.items()
        if key in line and is_number(line[key])
    }
    values = np.asarray(list(found.values()), dtype=float)
    return np.asarray(list(found)), np.where(
        np.isfinite(values), values, np.nan
    )


def tasks_with(lines: dict, ending: str, tasks: Iterable[str] | None) -> list:
    """Finds the tasks that log a quantity.

    Args:
        lines: Dict, epoch to line, of `by_epoch`.
        ending: String, the end of the key, such as `"_weight"`.
        tasks: Names of the tasks, or `None` for what stands before the ending.

    Returns:
        Sorted list of strings.
    """
    keys = {key for line in lines.values() for key in line}
    if tasks is None:
        tasks = [
            key.removesuffix(ending) for key in keys if key.endswith(ending)
        ]
    return sorted(name for name in tasks if name and f"{name}{ending}" in keys)


def balance_keys(tasks: Iterable[str]) -> dict:
    """Names what a balancer that monitors may log of some tasks.

    Args:
        tasks: Names of the tasks.

    Returns:
        Dict from `"weight"`, `"gradient_norm"` and `"cosine"` to a list of
        log keys.
    """
    tasks = sorted(tasks)
    return {
        "weight": [f"{name}_weight" for name in tasks],
        "gradient_norm": [f"{name}_gradient_norm" for name in tasks],
        "cosine": [
            f"{first}_{second}_cosine"
            for first, second in itertools.combinations(tasks, 2)
        ],
    }


def styles(names: list[str]) -> dict:
    """Gives each name a colour and, beyond eight names, dashes.

    Args:
        names: List of strings, in order.

    Returns:
        Dict, name to the arguments of a line.
    """
    count = len(paper.TASK_COLOURS)
    return {
        name: {
            "color": paper.TASK_COLOURS[index % count],
            "linestyle": _DASHES[index // count % len(_DASHES)],
            "linewidth": 1.8,
        }
        for index, name in enumerate(names)
    }


def draw_lines(axes, series: dict, line_styles: dict, labels=None) -> None:
    """Draws quantities over the epochs.

    Args:
        axes: Matplotlib axes.
        series: Dict, name to a pair of arrays, epochs and values.
        line_styles: Dict, name to the arguments of its line.
        labels: Dict, name to what is written at the line's end, for those
            that get a label, or `None`.
    """
    from matplotlib.ticker import MaxNLocator

    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE", linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, labelsize=11)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("epoch", fontsize=11, labelpad=2)
    ends = {}
    for name, (epochs, values) in series.items():
        style = line_styles[name]
        axes.plot(epochs, values, **style)
        alone = _is_alone(values)
        axes.plot(epochs[alone], values[alone], ".", color=style["color"], ms=9)
        finite = np.flatnonzero(np.isfinite(values))
        if not len(finite):
            continue
        ends[name] = (epochs[finite[-1]], values[finite[-1]])
        # A line without a name is ground; its end is none to be read.
        if labels is None or name in labels:
            axes.plot(
                *ends[name], ".", color=style["color"], ms=9, clip_on=False
            )
    every = np.concatenate([epochs for epochs, _ in series.values()])
    first, last = every.min(), every.max()
    if last > first:
        axes.set_xlim(first, last)
    else:
        # A single epoch has no width of its own.
        axes.set_xlim(first - 1, first + 1)
        axes.set_xticks([first])
    if not ends:
        axes.set_yticks([])
        axes.text(
            0.5,
            0.5,
            "no finite value",
            transform=axes.transAxes,
            ha="center",
            color=paper.FAINT,
        )
    if labels:
        shown = {name: ends[name] for name in labels if name in ends}
        _write_ends(axes, shown, labels, line_styles)


def set_height(
    axes, series: dict, *, zero: bool, may_be_log: bool = True
) -> None:
    """Fits the axis to the values.

    Args:
        axes: Matplotlib axes.
        series: As of `draw_lines`.
        zero: Boolean, whether a linear axis shows 0.
        may_be_log: Boolean, whether the axis is logarithmic where positive
            values differ widely.
    """
    values = np.concatenate([values for _, values in series.values()])
    values = values[np.isfinite(values)]
    if not len(values):
        return
    from matplotlib.ticker import MaxNLocator, NullFormatter

    low, high = values.min(), values.max()
    if may_be_log and low > 0 and high > _WIDE_RANGE * low:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.3, high * 1.3)
        # Matplotlib would write its powers in a markup that we switch off.
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        return
    axes.yaxis.set_major_locator(MaxNLocator(5))
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    # The last digits of a value that hardly changes are no landscape.
    room = max(0.06 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    is_ground = zero and low == 0
    axes.set_ylim(low if is_ground else low - room, high + room)


def spread_out(heights: list, gap: float, low: float, high: float) -> list:
    """Moves labels apart, as little as needed, within their room.

    Args:
        heights: List of floats, where the labels would stand.
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
    placed, floor = {}, low
    for index in order:
        placed[index] = max(heights[index], floor)
        floor = placed[index] + gap
    ceiling = high
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return [placed[index] for index in range(len(heights))]


def number(value: float) -> str:
    """Writes a value in a few digits."""
    text = f"{value:.3f}" if 0.001 <= abs(value) < 100 else f"{value:.3g}"
    return text.replace("-", "−")


def _is_alone(values):
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    return finite[1:-1] & ~finite[:-2] & ~finite[2:]


def _write_ends(axes, ends, labels, line_styles):
    names = list(ends)
    heights = [axes.transData.transform(ends[name])[1] for name in names]
    box = axes.bbox
    placed = spread_out(heights, _LINE_HEIGHT, box.y0, box.y1)
    for name, height, place in zip(names, heights, placed, strict=True):
        axes.annotate(
            labels[name],
            ends[name],
            xytext=(8, place - height),
            textcoords="offset pixels",
            va="center_baseline",
            size=12,
            color=line_styles[name]["color"],
            annotation_clip=False,
        )
