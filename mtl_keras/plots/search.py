"""A search's trials: across their hyperparameters, and one after another."""

import dataclasses
import math
import pathlib
from collections.abc import Callable

from mtl_keras.plots import figure as paper

_COLUMN = 128
_BEST, _OTHER = paper.TASK_COLOURS[1], paper.TASK_COLOURS[0]
_PARALLEL_NOTE = (
    "A line is a trial, darker where better, the best one thick; a ring marks "
    "an axis that is not active for the trial."
)
_PROGRESS_NOTE = (
    "Dot: a trial; ring: one of fewer epochs; line: the best so far. "
    "Dashed: the recipe itself."
)


def parallel(table: dict, path) -> pathlib.Path:
    """Draws parallel coordinates: an axis a hyperparameter, then the objective.

    Args:
        table: Dict, as in the search's `table.json`.
        path: String or path of the `.png` file to write; missing folders are
            made.

    Returns:
        Path of the figure.

    Raises:
        ValueError: If no trial has an objective, or the path is a folder or
            not a `.png`.
    """
    path = paper.checked_path(path)
    rows = _completed(table)
    scales = _scales(table, rows)
    width = max(_COLUMN * len(scales) + 80, 620)
    title = _title(table) + f", {len(rows)} trial{'s'[: len(rows) > 1]}"
    with paper.new_figure(width, 470) as figure:
        paper.write_title(figure, title, _PARALLEL_NOTE)
        axes = figure.subplots()
        axes.spines[:].set_visible(False)
        axes.grid(axis="x", color=paper.RULE)
        axes.set_xlim(-0.5, len(scales) - 0.5)
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks([])
        axes.xaxis.tick_top()
        axes.tick_params(length=0, pad=6, labelcolor=paper.INK)
        axes.set_xticks(
            range(len(scales)), [_heading(scale.name) for scale in scales]
        )
        for place, scale in enumerate(scales):
            _draw_ticks(axes, place, scale)
        _draw_trials(axes, table, rows, scales)
        return paper.save(figure, path)


def progress(table: dict, path) -> pathlib.Path:
    """Draws the objective of each trial and the best so far.

    Args:
        table: Dict, as in the search's `table.json`.
        path: String or path of the `.png` file to write; missing folders are
            made.

    Returns:
        Path of the figure.

    Raises:
        ValueError: If no trial has an objective, or the path is a folder or
            not a `.png`.
    """
    path = paper.checked_path(path)
    rows = _completed(table)
    name = table["objective"]["name"].replace("_", " ")
    unit = "gain over single tasks, %" if name == "gain" else name
    with paper.new_figure(760, 400) as figure:
        paper.write_title(figure, f"{_title(table)}: {unit}", _PROGRESS_NOTE)
        axes = figure.subplots()
        axes.set_xlabel("trial")
        _draw_progress(axes, table, rows)
        return paper.save(figure, path)


def _completed(table) -> list:
    rows = [row for row in table["rows"] if row["objective"] is not None]
    if not rows:
        raise ValueError(
            "`table` must have at least one trial with an objective. "
            "Received: none"
        )
    return rows


def _title(table) -> str:
    return f"{table['model']}, {table['tuner']} search"


@dataclasses.dataclass(frozen=True)
class _Scale:
    """A vertical axis, from 0 to 1.

    Args:
        name: String.
        read: Function from a row to its value, `None` where it has none.
        height: Function from a value to its height.
        ticks: List of pairs, text and height.
    """

    name: str
    read: Callable
    height: Callable
    ticks: list

    def place(self, row):
        """Returns a row's height, or `None` where it has no such value."""
        value = self.read(row)
        return None if value is None else self.height(value)


def _scales(table, rows) -> list:
    scales = []
    for hp in table["hyperparameters"]:
        name = hp["name"]
        values = [row["values"].get(name) for row in rows]
        values = [value for value in values if value is not None]
        if not values:
            continue

        def read(row, name=name):
            return row["values"].get(name)

        if "choices" in hp:
            scales.append(_choices(name, read, hp["choices"]))
        else:
            low, high = min(hp["low"], *values), max(hp["high"], *values)
            scales.append(_numbers(name, read, low, high, is_log=hp["is_log"]))
    values = [row["objective"] for row in rows]
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or 0.01 * abs(high) or 1.0
    name = table["objective"]["name"]
    return [
        *scales,
        _numbers(
            "gain, %" if name == "gain" else name,
            lambda row: row["objective"],
            low - room,
            high + room,
            is_log=False,
        ),
    ]


def _choices(name, read, choices):
    places = {
        choice: (index + 0.5) / len(choices)
        for index, choice in enumerate(choices)
    }

    def height(value):
        def distance(choice):
            is_number = isinstance(choice, int | float)
            return abs(choice - value) if is_number else choice != value

        return places[min(places, key=distance)]

    ticks = [
        (f"{choice:g}" if isinstance(choice, float) else str(choice), place)
        for choice, place in places.items()
    ]
    return _Scale(name, read, height, ticks)


def _numbers(name, read, low, high, *, is_log):
    scale = math.log if is_log else float
    span = scale(high) - scale(low)

    def height(value):
        return 0.5 if span == 0 else (scale(value) - scale(low)) / span

    middle = math.sqrt(low * high) if is_log else (low + high) / 2
    ticks = [(_number(value), height(value)) for value in (low, middle, high)]
    return _Scale(name, read, height, ticks)


def _number(value) -> str:
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")


def _heading(name) -> str:
    # The last fields of a path tell most.
    fields = name.replace("optimizer.", "").split(".")[-3:]
    return "\n".join(
        paper.shortened(field.replace("_", " "), _COLUMN - 8, 11)
        for field in fields
    )


def _draw_ticks(axes, place, scale):
    for text, height in scale.ticks:
        axes.annotate(
            paper.shortened(text, _COLUMN / 2, 10),
            (place, height),
            xytext=(-6, 0),
            textcoords="offset pixels",
            size=10,
            ha="right",
            va="center",
            color=paper.INK,
            # Above the trials' lines.
            zorder=5,
            bbox={"facecolor": "white", "alpha": 0.75, "lw": 0, "pad": 1},
        )


def _draw_trials(axes, table, rows, scales):
    sign = 1 if table["objective"]["is_higher_better"] else -1
    worst_first = sorted(rows, key=lambda row: sign * row["objective"])
    for rank, row in enumerate(worst_first, start=1):
        is_best = row["trial"] == table["best"]
        style = {
            "color": _BEST if is_best else _OTHER,
            "linewidth": 3 if is_best else 1.2,
            "alpha": 1.0 if is_best else 0.15 + 0.6 * rank / len(rows),
            "zorder": 4 if is_best else 3,
        }
        heights = [scale.place(row) for scale in scales]
        known = [x for x, height in enumerate(heights) if height is not None]
        axes.plot(known, [heights[x] for x in known], **style)
        for before, after in zip(known, known[1:], strict=False):
            slope = (heights[after] - heights[before]) / (after - before)
            inactive = range(before + 1, after)
            axes.plot(
                inactive,
                [heights[before] + slope * (x - before) for x in inactive],
                "o",
                markersize=4,
                markerfacecolor="white",
                **style,
            )


def _draw_progress(axes, table, rows):
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    axes.margins(y=0.1)
    whole = [row for row in rows if row["epochs"] == table["epochs"]]
    partial = [row for row in rows if row["epochs"] != table["epochs"]]
    ring = {"markerfacecolor": "white", "markeredgecolor": paper.FAINT}
    axes.plot(*_points(partial), "o", markersize=7, **ring)
    axes.plot(*_points(whole), "o", markersize=7, color=_OTHER, zorder=3)
    last = max(row["trial"] for row in table["rows"])
    axes.set_xlim(-0.5, last + 0.5)
    if whole:
        trials, values = _points(whole)
        choose = max if table["objective"]["is_higher_better"] else min
        best = [choose(values[: end + 1]) for end in range(len(values))]
        steps = ([*trials, last], [*best, best[-1]])
        axes.plot(*steps, color=_OTHER, drawstyle="steps-post")
    for row in whole:
        if row["trial"] == table["recipe"]:
            look = {"color": paper.FAINT, "linestyle": (0, (4, 3))}
            axes.axhline(row["objective"], linewidth=1, **look)


def _points(rows):
    return [row["trial"] for row in rows], [row["objective"] for row in rows]
