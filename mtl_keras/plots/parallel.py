"""A search's trials as lines across its hyperparameters."""

import math
import pathlib

from mtl_keras.plots import figure as paper

_COLUMN, _MARGIN, _LABEL = 128, 30, 92
_HEADER, _HEIGHT, _FOOTER = 118, 300, 44
_LEGEND = (
    "A line is a trial, darker where better, the best one thick; at a ring it "
    "goes past an axis that is not active for it."
)
_BEST = paper.TASK_COLOURS[1]


def parallel(table: dict, path) -> pathlib.Path:
    """Draws parallel coordinates: an axis a hyperparameter, then the objective.

    Args:
        table: Dict, as in the search's `table.json`.
        path: String or path of the `.png` file to write; missing folders are
            made.

    Returns:
        Path of the picture.

    Raises:
        ValueError: If no trial has an objective, or the path is a folder or no
            `.png`.
    """
    path = paper.checked_path(path)
    rows = [row for row in table["rows"] if row["objective"] is not None]
    if not rows:
        raise ValueError(
            "`table` must have at least one trial with an objective. "
            "Received: none"
        )
    axes = _axes(table, rows)
    width = max(_MARGIN + _LABEL + _COLUMN * (len(axes) - 1) + _LABEL, 620)
    size = (width, _HEADER + _HEIGHT + _FOOTER)
    with paper.new_figure(*size) as figure:
        ground = paper.pixel_axes(figure)
        title = f"{table['model']}, {table['tuner']} search, "
        title += f"{len(rows)} trial{'s' if len(rows) > 1 else ''}"
        for text, height, style in (
            (title, 24, {"size": 16, "weight": "bold"}),
            (_LEGEND, 50, {"size": 11, "color": paper.FAINT}),
        ):
            text = paper.shortened(
                text,
                width - 2 * _MARGIN,
                style["size"],
                style.get("weight", "normal"),
            )
            ground.text(_MARGIN, height, text, va="center_baseline", **style)
        for index, axis in enumerate(axes):
            _draw_axis(ground, axis, _place(index))
        for row in _worst_first(table, rows):
            _draw_row(ground, table, rows, axes, row)
        return paper.save(figure, path)


def _place(index) -> float:
    return _MARGIN + _LABEL / 2 + _COLUMN * index


class _Axis:
    """A vertical axis: from a value to its height."""

    def __init__(self, name, read, ticks, share):
        self.name, self.read, self.ticks, self.share = name, read, ticks, share

    def height(self, row):
        """Pixels from the top; `None` where the row has no such value."""
        value = self.read(row)
        if value is None:
            return None
        return _HEADER + _HEIGHT * (1 - self.share(value))


def _axes(table, rows) -> list:
    found = []
    for hp in table["hyperparameters"]:
        name = hp["name"]
        values = [row["values"].get(name) for row in rows]
        if all(value is None for value in values):
            continue

        def read(row, name=name):
            return row["values"].get(name)

        if "choices" in hp:
            found.append(_choices(name, read, hp["choices"]))
        else:
            known = [value for value in values if value is not None]
            low, high = min(hp["low"], *known), max(hp["high"], *known)
            found.append(_numbers(name, read, low, high, is_log=hp["is_log"]))
    values = [row["objective"] for row in rows]
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or 0.01 * abs(high) or 1.0
    name = table["objective"]["name"]
    if name == "gain":
        name = "gain, %"
    found.append(
        _numbers(
            name,
            lambda row: row["objective"],
            low - room,
            high + room,
            is_log=False,
        )
    )
    return found


def _choices(name, read, choices):
    places = {
        choice: (index + 0.5) / len(choices)
        for index, choice in enumerate(choices)
    }
    ticks = [
        (f"{c:g}" if isinstance(c, float) else str(c), place)
        for c, place in places.items()
    ]

    def share(value):
        if value in places:
            return places[value]
        return min(places.items(), key=lambda item: _distance(item[0], value))[
            1
        ]

    return _Axis(name, read, ticks, share)


def _distance(choice, value) -> float:
    is_number = isinstance(choice, int | float)
    return abs(choice - value) if is_number else float(choice != value)


def _numbers(name, read, low, high, *, is_log):
    def scale(value):
        return math.log(value) if is_log else value

    span = scale(high) - scale(low)

    def share(value):
        return 0.5 if span == 0 else (scale(value) - scale(low)) / span

    middle = math.sqrt(low * high) if is_log else (low + high) / 2
    ticks = [(_tick(value), share(value)) for value in (low, middle, high)]
    return _Axis(name, read, ticks, share)


def _tick(value) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _draw_axis(ground, axis, place):
    ground.plot(
        [place, place], [_HEADER, _HEADER + _HEIGHT], color=paper.RULE, lw=1
    )
    # Of a path of fields the last ones tell most.
    parts = axis.name.replace("optimizer.", "").split(".")
    for number, part in enumerate(parts[-3:]):
        height = _HEADER - 12 - 14 * (len(parts[-3:]) - 1 - number)
        ground.text(
            place,
            height,
            paper.shortened(part.replace("_", " "), _COLUMN - 8, 11),
            size=11,
            ha="center",
            va="center_baseline",
        )
    for text, share in axis.ticks:
        height = _HEADER + _HEIGHT * (1 - share)
        ground.plot([place - 3, place], [height] * 2, color=paper.FAINT, lw=1)
        ground.text(
            place - 6,
            height,
            paper.shortened(text, _COLUMN / 2, 10),
            size=10,
            ha="right",
            va="center_baseline",
            color=paper.FAINT,
        )


def _worst_first(table, rows) -> list:
    sign = 1 if table["objective"]["is_higher_better"] else -1
    ordered = sorted(rows, key=lambda row: sign * row["objective"])
    # Upon all others.
    return sorted(ordered, key=lambda row: row["trial"] == table["best"])


def _draw_row(ground, table, rows, axes, row):
    is_best = row["trial"] == table["best"]
    order = _worst_first(table, rows)
    rank = (order.index(row) + 1) / len(order)
    style = {
        "color": _BEST if is_best else paper.TASK_COLOURS[0],
        "lw": 3 if is_best else 1.2,
        "alpha": 1.0 if is_best else 0.15 + 0.6 * rank,
        "zorder": 4 if is_best else 3,
    }
    points = [(_place(i), axis.height(row)) for i, axis in enumerate(axes)]
    known = [(x, y) for x, y in points if y is not None]
    ground.plot(*zip(*known, strict=True), solid_joinstyle="round", **style)
    for index, (x, y) in enumerate(points):
        if y is not None or not known:
            continue
        before = [p for p in points[:index] if p[1] is not None]
        after = [p for p in points[index + 1 :] if p[1] is not None]
        if before and after:
            (x0, y0), (x1, y1) = before[-1], after[0]
            height = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
            ground.plot(
                [x],
                [height],
                "o",
                ms=4,
                markerfacecolor="white",
                markeredgecolor=style["color"],
                alpha=style["alpha"],
                zorder=style["zorder"],
            )
