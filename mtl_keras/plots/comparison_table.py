"""Balancers side by side: a column for each metric, a row for each balancer."""

import math
import pathlib

import numpy as np

from mtl_keras.plots import figure as paper

_ROW, _COLUMN = 30, 150
_MOST_NAME = 170
_STL = "STL"
_NOTE = (
    "Better is to the right in each column. Dashed: STL, each task alone. "
    "Dot: mean; bar: spread over the seeds; rings: the seeds."
)


def comparison(table: dict, path) -> pathlib.Path:
    """Draws a comparison of balancers.

    Each metric has a column with its own scale: the mean over the seeds, a bar
    of the spread to both sides, and a ring for each seed. The dashed line is
    the mean of the single-task models. Better is to the right in every column,
    so an axis of which less is better runs backwards.

    Args:
        table: Dict, as in the tool's `table.json`.
        path: String or path of the `.png` file to write; missing folders are
            made.

    Returns:
        Path of the figure.

    Raises:
        ValueError: If there is no row, or the path is a folder or not a
            `.png`.
    """
    path = paper.checked_path(path)
    rows = table["rows"]
    if not rows:
        raise ValueError("`table` must have at least one row. Received: none")
    columns = _columns(table)
    names = [paper.shortened(row["name"], _MOST_NAME, 13) for row in rows]
    left = max(paper.text_width(name, 13, "bold") for name in names)
    # At least as wide as the note.
    width = max(round(left) + 40 + _COLUMN * len(columns), 760)
    seeds = len(table["seeds"])
    title = f"{table['model']} on {table['data']}, {table['split']} split"
    title += f", {seeds} seed{'s' if seeds > 1 else ''}"
    with paper.new_figure(width, _ROW * len(rows) + 140) as figure:
        paper.write_title(figure, title, _NOTE)
        grid = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for axes, column in zip(grid, columns, strict=True):
            _draw_column(axes, column)
        look = {"fontsize": 13, "color": paper.INK}
        grid[0].set_yticks(range(len(rows)), names, **look)
        grid[0].set_ylim(len(rows) - 0.5, -0.5)
        for row, label in zip(rows, grid[0].get_yticklabels(), strict=True):
            label.set_weight("bold" if row["name"] == _STL else "normal")
        return paper.save(figure, path)


def _columns(table) -> list:
    rows = table["rows"]

    reference = next((row for row in rows if row["name"] == _STL), None)

    def column(title, unit, read, is_higher_better):
        return {
            "title": paper.shortened(title, _COLUMN - 22, 13),
            "unit": unit,
            "summaries": [read(row) for row in rows],
            "reference": reference and read(reference)["mean"],
            "is_higher_better": is_higher_better,
        }

    higher, lower = "higher is better", "lower is better"
    columns = [
        ("delta LibMTL", f"%, {higher}", lambda row: row["delta_libmtl"], True),
        ("delta m", f"%, {lower}", lambda row: row["delta_m"], False),
    ]
    for key, measure in table["measures"].items():
        is_higher_better = measure["is_higher_better"]
        columns.append(
            (
                key.replace("_", " "),
                higher if is_higher_better else lower,
                lambda row, key=key: row["metrics"][key],
                is_higher_better,
            )
        )
    seconds = "seconds a step", "STL: all tasks"
    columns.append((*seconds, lambda row: row["seconds_per_step"], False))
    return [column(*specification) for specification in columns]


def _draw_column(axes, column):
    from matplotlib.ticker import MaxNLocator

    axes.set_title(column["title"], size=13)
    axes.set_xlabel(column["unit"], loc="left")
    axes.xaxis.set_label_position("top")
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=3, labelsize=10)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.ticklabel_format(axis="x", useOffset=False)
    colour = paper.TASK_COLOURS[0]
    summaries = column["summaries"]
    seeds = [
        (value, row)
        for row, summary in enumerate(summaries)
        for value in summary["values"]
        if _is_finite(value)
    ]
    ring = {"markerfacecolor": "white", "markeredgecolor": colour, "ms": 5}
    axes.plot(*np.array(seeds).reshape(-1, 2).T, "o", zorder=3, **ring)
    defined = {
        row: (summary["mean"], summary["spread"] or 0.0)
        for row, summary in enumerate(summaries)
        if _is_finite(summary["mean"])
    }
    means, spreads = np.array(list(defined.values())).reshape(-1, 2).T
    # Where no spread is known, as with one seed, a bar of no length is unseen.
    dot = {"fmt": "o", "ms": 8, "color": colour, "elinewidth": 2, "zorder": 4}
    axes.errorbar(means, list(defined), xerr=spreads, **dot)
    for row in set(range(len(summaries))) - set(defined):
        axes.text(
            0.5,
            row,
            "not defined",
            size=11,
            transform=axes.get_yaxis_transform(),
            ha="center",
            va="center",
            color=paper.FAINT,
            # Without the grid's line through it.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        )
    shown = [value for value, _ in seeds]
    shown += [*(means - spreads), *(means + spreads)]
    if not shown:
        axes.set_xticks([])
        return
    if _is_finite(column["reference"]):
        look = {"color": paper.FAINT, "linestyle": (0, (4, 3))}
        axes.axvline(column["reference"], linewidth=1, **look)
    low, high = min(shown), max(shown)
    room = max(0.08 * (high - low), 0.005 * max(abs(low), abs(high)), 1e-9)
    axes.set_xlim(low - room, high + room)
    if not column["is_higher_better"]:
        axes.invert_xaxis()


def _is_finite(value) -> bool:
    return value is not None and math.isfinite(value)
