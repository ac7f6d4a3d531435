"""A search's trials: across their hyperparameters, and one after another."""

import dataclasses
import math
import pathlib

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
        places: List of floats, the height of each row's value, `None` where
            the row has no value.
        ticks: Dict of text to height.
    """

    name: str
    places: list
    ticks: dict


def _scales(table, rows) -> list:
    scales = []
    for hp in table["hyperparameters"]:
        values = [row["values"].get(hp["name"]) for row in rows]
        known = [value for value in values if value is not None]
        if known and "choices" in hp:
            scales.append(_choices(hp["name"], values, hp["choices"]))
        elif known:
            ends = min(hp["low"], *known), max(hp["high"], *known)
            scale = _numbers(hp["name"], values, *ends, is_log=hp["is_log"])
            scales.append(scale)
    values = [row["objective"] for row in rows]
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or 0.01 * abs(high) or 1.0
    name = table["objective"]["name"]
    name = "gain, %" if name == "gain" else name
    ends = low - room, high + room
    return [*scales, _numbers(name, values, *ends, is_log=False)]


def _choices(name, values, choices):
    heights = [(index + 0.5) / len(choices) for index in range(len(choices))]

    def height(value):
        distances = [
            abs(choice - value)
            if isinstance(choice, int | float)
            else choice != value
            for choice in choices
        ]
        return heights[distances.index(min(distances))]

    texts = [
        f"{choice:g}" if isinstance(choice, float) else str(choice)
        for choice in choices
    ]
    places = [None if value is None else height(value) for value in values]
    return _Scale(name, places, dict(zip(texts, heights, strict=True)))


def _numbers(name, values, low, high, *, is_log):
    transform = math.log if is_log else float
    span = transform(high) - transform(low)

    def height(value):
        return (transform(value) - transform(low)) / span if span else 0.5

    middle = math.sqrt(low * high) if is_log else (low + high) / 2
    ticks = [low, middle, high]
    ticks = dict(zip(_numbers_as_text(ticks), map(height, ticks), strict=True))
    places = [None if value is None else height(value) for value in values]
    return _Scale(name, places, ticks)


def _numbers_as_text(values) -> list:
    for digits in range(3, 10):
        texts = [
            f"{value:.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
            for value in values
        ]
        # As few digits as tell the values apart.
        if len(set(texts)) == len(set(values)):
            break
    return [text.replace("-", "−") for text in texts]


def _heading(name) -> str:
    # The last fields of a path tell most.
    fields = name.replace("optimizer.", "").split(".")[-3:]
    return "\n".join(
        paper.shortened(field.replace("_", " "), _COLUMN - 8, 11)
        for field in fields
    )


def _draw_ticks(axes, place, scale):
    for text, height in scale.ticks.items():
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
    worst_first = sorted(
        range(len(rows)), key=lambda index: sign * rows[index]["objective"]
    )
    for rank, index in enumerate(worst_first, start=1):
        is_best = rows[index]["trial"] == table["best"]
        style = {
            "color": _BEST if is_best else _OTHER,
            "linewidth": 3 if is_best else 1.2,
            "alpha": 1.0 if is_best else 0.15 + 0.6 * rank / len(rows),
            "zorder": 4 if is_best else 3,
        }
        heights = [scale.places[index] for scale in scales]
        known = [x for x, height in enumerate(heights) if height is not None]
        axes.plot(known, [heights[x] for x in known], **style)
        for before, after in zip(known, known[1:], strict=False):
            inactive = range(before + 1, after)
            if not inactive:
                continue
            slope = (heights[after] - heights[before]) / (after - before)
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
