"""What a search has reached after each trial."""

import pathlib

from mtl_keras.plots import figure as paper

_SIZE = (760, 400)
_LEFT, _TOP, _RIGHT, _BOTTOM = 84, 76, 24, 62
_LEGEND = (
    "Dot: a trial; ring: one of fewer epochs; line: the best so far. "
    "Dashed: the recipe itself."
)


def progress(table: dict, path) -> pathlib.Path:
    """Draws the objective of each trial and the best so far.

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
    name, epochs = table["objective"]["name"], table["epochs"]
    rows = [row for row in table["rows"] if row["objective"] is not None]
    if not rows:
        raise ValueError(
            "`table` must have at least one trial with an objective. "
            "Received: none"
        )
    whole = [row for row in rows if row["epochs"] == epochs]
    unit = "gain over single tasks, %" if name == "gain" else name
    if name != "gain":
        unit = unit.replace("_", " ")
    with paper.new_figure(*_SIZE) as figure:
        ground = paper.pixel_axes(figure)
        title = f"{table['model']}, {table['tuner']} search: {unit}"
        room = _SIZE[0] - 2 * _RIGHT
        ground.text(
            _RIGHT,
            24,
            paper.shortened(title, room, 16, "bold"),
            size=16,
            weight="bold",
            va="center_baseline",
        )
        ground.text(
            _RIGHT,
            50,
            paper.shortened(_LEGEND, room, 11),
            size=11,
            color=paper.FAINT,
            va="center_baseline",
        )
        axes = figure.add_axes(
            (
                _LEFT / _SIZE[0],
                _BOTTOM / _SIZE[1],
                (_SIZE[0] - _LEFT - _RIGHT) / _SIZE[0],
                (_SIZE[1] - _TOP - _BOTTOM) / _SIZE[1],
            )
        )
        _draw(axes, table, rows, whole)
        axes.set_xlabel("trial")
        return paper.save(figure, path)


def _draw(axes, table, rows, whole):
    from matplotlib.ticker import MaxNLocator

    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color="#EEEEEE", linewidth=1)
    axes.set_axisbelow(True)
    colour = paper.TASK_COLOURS[0]
    partly = [row for row in rows if row not in whole]
    axes.plot(
        [row["trial"] for row in partly],
        [row["objective"] for row in partly],
        "o",
        markerfacecolor="white",
        markeredgecolor=paper.FAINT,
        ms=7,
    )
    axes.plot(
        [row["trial"] for row in whole],
        [row["objective"] for row in whole],
        "o",
        color=colour,
        ms=7,
        zorder=3,
    )
    choose = max if table["objective"]["is_higher_better"] else min
    best, steps = None, []
    for row in whole:
        value = row["objective"]
        best = value if best is None else choose(best, value)
        steps.append((row["trial"], best))
    last = max(row["trial"] for row in table["rows"])
    if steps:
        steps.append((last, best))
        axes.plot(
            *zip(*steps, strict=True), color=colour, drawstyle="steps-post"
        )
    for row in whole:
        if row["trial"] == table["recipe"]:
            axes.axhline(
                row["objective"], color=paper.FAINT, lw=1, ls=(0, (4, 3))
            )
    axes.set_xlim(-0.5, last + 0.5)
    axes.margins(y=0.1)
