"""Balancers side by side: a column a figure, a row a balancer."""

import math
import pathlib

from mtl_keras.plots import figure as paper

_ROW, _HEADER, _FOOTER = 30, 78, 58
_COLUMN, _MARGIN = 150, 24
_MOST_NAME = 170
_STL = "STL"
_LEGEND = (
    "Better is to the right in each column. Dashed: STL, each task alone. "
    "Dot: mean; bar: spread over the seeds; rings: the seeds."
)


def comparison(table: dict, path) -> pathlib.Path:
    """Draws a comparison.

    Each figure has a column of its own scale: the mean over the seeds, a bar
    of the spread to both sides, and a faint dot for each seed. The dashed line
    is the single-task models' mean; better is to the right in every column,
    so that an axis of which less is better runs backwards.

    Args:
        table: Dict, as in the tool's `table.json`.
        path: String or path of the `.png` file to write; missing folders are
            made.

    Returns:
        Path of the picture.

    Raises:
        ValueError: If there is no row, or the path is a folder or no `.png`.
    """
    path = paper.checked_path(path)
    rows = table["rows"]
    if not rows:
        raise ValueError("`table` must have at least one row. Received: none")
    columns = _columns(table)
    names = [paper.shortened(row["name"], _MOST_NAME, 13) for row in rows]
    left = _MARGIN + round(max(paper.text_width(n, 13, "bold") for n in names))
    left += 16
    width = max(left + _COLUMN * len(columns) + _MARGIN, 600)
    size = (width, _HEADER + _ROW * len(rows) + _FOOTER)
    with paper.new_figure(*size) as figure:
        ground = paper.pixel_axes(figure)
        seeds = len(table["seeds"])
        title = f"{table['model']} on {table['data']}, {table['split']} split"
        title += f", {seeds} seed{'s' if seeds > 1 else ''}"
        title = paper.shortened(title, width - 2 * _MARGIN, 16, "bold")
        ground.text(
            _MARGIN, 22, title, size=16, weight="bold", va="center_baseline"
        )
        for index, name in enumerate(names):
            height = _HEADER + _ROW * (index + 0.5)
            ground.text(
                left - 16,
                height,
                name,
                size=13,
                ha="right",
                va="center_baseline",
                weight="bold" if name == _STL else "normal",
            )
        ground.text(
            _MARGIN,
            size[1] - 12,
            paper.shortened(_LEGEND, width - 2 * _MARGIN, 11),
            size=11,
            color=paper.FAINT,
        )
        for index, column in enumerate(columns):
            start = left + _COLUMN * index
            ground.text(start, _HEADER - 22, column["title"], size=13)
            ground.text(
                start, _HEADER - 8, column["unit"], size=11, color=paper.FAINT
            )
            axes = figure.add_axes(
                (
                    start / size[0],
                    _FOOTER / size[1],
                    (_COLUMN - 26) / size[0],
                    _ROW * len(rows) / size[1],
                )
            )
            _draw_column(axes, column, len(rows))
        return paper.save(figure, path)


def _columns(table) -> list:
    rows = table["rows"]

    def column(title, unit, summaries, *, is_higher_better=True):
        base = next(
            (
                s
                for row, s in zip(rows, summaries, strict=True)
                if row["name"] == _STL
            ),
            None,
        )
        return {
            "title": paper.shortened(title, _COLUMN - 22, 13),
            "unit": unit,
            "summaries": summaries,
            "reference": None if base is None else base["mean"],
            "is_higher_better": is_higher_better,
        }

    found = [
        column(
            "delta LibMTL",
            "%, higher is better",
            [row["delta_libmtl"] for row in rows],
        ),
        column(
            "delta m",
            "%, lower is better",
            [row["delta_m"] for row in rows],
            is_higher_better=False,
        ),
    ]
    for key, measure in table["measures"].items():
        is_higher_better = measure["is_higher_better"]
        found.append(
            column(
                key.replace("_", " "),
                "higher is better" if is_higher_better else "lower is better",
                [row["metrics"][key] for row in rows],
                is_higher_better=is_higher_better,
            )
        )
    steps = [row["seconds_per_step"] for row in rows]
    found.append(
        column(
            "seconds a step", "STL: all tasks", steps, is_higher_better=False
        )
    )
    return found


def _draw_column(axes, column, num_rows):
    from matplotlib.ticker import MaxNLocator

    axes.set_ylim(num_rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=3, labelsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    for row in range(num_rows):
        axes.axhline(row, color="#EEEEEE", linewidth=1, zorder=0)
    colour = paper.TASK_COLOURS[0]
    seen = []
    for row, summary in enumerate(column["summaries"]):
        values = [v for v in summary["values"] if _is_finite(v)]
        axes.plot(
            values,
            [row] * len(values),
            "o",
            markerfacecolor="white",
            markeredgecolor=colour,
            markeredgewidth=1,
            ms=5,
            zorder=3,
        )
        seen += values
        mean, spread = summary["mean"], summary["spread"]
        if not _is_finite(mean):
            # Half-way, whatever the axis: there is no place for it.
            axes.text(
                0.5,
                row,
                "not defined",
                size=11,
                transform=axes.get_yaxis_transform(),
                ha="center",
                va="center",
                color=paper.FAINT,
            )
            continue
        if spread is not None:
            axes.plot(
                [mean - spread, mean + spread], [row] * 2, color=colour, lw=2
            )
            seen += [mean - spread, mean + spread]
        axes.plot(mean, row, "o", color=colour, ms=8, zorder=4)
    if not seen:
        axes.set_xticks([])
        return
    if _is_finite(column["reference"]):
        axes.axvline(
            column["reference"], color=paper.FAINT, lw=1, ls=(0, (4, 3))
        )
    low, high = min(seen), max(seen)
    room = max(0.08 * (high - low), 0.005 * max(abs(low), abs(high)), 1e-9)
    ends = (low - room, high + room)
    axes.set_xlim(ends if column["is_higher_better"] else ends[::-1])


def _is_finite(value) -> bool:
    return value is not None and math.isfinite(value)
