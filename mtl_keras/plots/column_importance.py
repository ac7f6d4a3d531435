"""How much each input column matters to each task."""

import pathlib
from collections.abc import Mapping

from mtl_keras.plots import figure as paper

_PANEL = 420
_ROW = 24
_MOST = 20


def importance(
    values: Mapping[str, Mapping[str, tuple[float, float]]],
    path,
    title: str | None = None,
) -> pathlib.Path:
    """Draws the importance of the columns, a panel for each metric.

    Args:
        values: Dict, as `mtl_keras.importance.permutation` returns it. Of each
            metric the 20 most important columns are shown.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the panels. Defaults to none.

    Returns:
        Path of the figure.

    Raises:
        ValueError: If there is nothing to draw, or the path is a folder or not
            a `.png`.
    """
    path = paper.checked_path(path)
    panels = {key: list(rows.items())[:_MOST] for key, rows in values.items()}
    if not panels or not all(panels.values()):
        raise ValueError(
            "`values` must hold at least one metric with one column. "
            f"Received: {values!r}"
        )
    rows = max(map(len, panels.values()))
    height = 110 + _ROW * rows + (36 if title else 0)
    with paper.new_figure(_PANEL * len(panels), height) as figure:
        for axes, (key, columns), colour in zip(
            figure.subplots(1, len(panels), squeeze=False)[0],
            panels.items(),
            _colours(len(panels)),
            strict=True,
        ):
            names = [paper.shortened(name, 150, 11) for name, _ in columns]
            places = range(len(columns))
            axes.barh(
                places,
                [mean for _, (mean, _) in columns],
                xerr=[spread for _, (_, spread) in columns],
                color=colour,
                ecolor=paper.FAINT,
                height=0.7,
            )
            axes.set_yticks(places, names)
            axes.set_ylim(rows - 0.4, -0.6)
            axes.axvline(0, color=paper.RULE, linewidth=1)
            axes.grid(axis="x")
            axes.set_title(key, weight="bold", pad=10)
            axes.set_xlabel("lost where the column is shuffled")
        paper.write_title(figure, title)
        return paper.save(figure, path)


def _colours(number):
    colours = paper.TASK_COLOURS
    return [colours[index % len(colours)] for index in range(number)]
