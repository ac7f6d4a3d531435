"""Weights and gradients of the tasks under a balancer, over the epochs."""

import pathlib
from collections.abc import Iterable

import numpy as np

from mtl_keras.plots import epochs
from mtl_keras.plots import figure as paper

_WIDTH, _HEIGHT = 1200, 330
# More values at the lines' ends would not be legible.
_MOST_LABELS = 12
_WEIGHT, _FRACTION, _NORM = (
    "weight",
    "fraction of the weights",
    "norm of the gradient",
)


def balance(
    metrics: list[dict],
    path,
    title: str | None = None,
    tasks: Iterable[str] | None = None,
) -> pathlib.Path:
    """Draws what a balancer compiled with `monitor=True` did over the epochs.

    One panel shows each task's weight, one its fraction of the sum of all
    (absolute) weights, whatever the method's scale, and one the norm of its
    gradient where the method reads gradients. The axes of weights and norms
    are logarithmic where values differ by more than a factor of 30.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`:
            `{"epoch": 0, "cls_weight": 0.7, "cls_gradient_norm": 1.3, ...}`.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the panels. Defaults to none.
        tasks: Names of the tasks. Defaults to all names in front of `_weight`
            and `_gradient_norm`.

    Returns:
        Path of the figure, 1200 pixels wide.

    Raises:
        ValueError: If no task has a weight or a gradient's norm, an entry is
            not a dict, or the path is a folder or not a `.png`.
    """
    path = paper.checked_path(path)
    tasks = None if tasks is None else list(tasks)
    panels = _panels(epochs.by_epoch(metrics), tasks)
    names = sorted({name for series in panels.values() for name in series})
    styles = epochs.styles(names)
    shown = [paper.shortened(name, 300, 13) for name in names]
    widest = max(paper.text_width(name, 13) for name in shown)
    columns = min(len(names), int((_WIDTH - 40) // (widest + 66)))
    rows = -(-len(names) // columns)
    height = _HEIGHT + 24 * rows + (36 if title else 0)
    with paper.new_figure(_WIDTH, height) as figure:
        for axes, (subject, series) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0],
            panels.items(),
            strict=True,
        ):
            axes.set_title(subject, weight="bold", pad=10)
            axes.set_xlabel("epoch")
            epochs.draw_lines(
                axes,
                _lines(series, styles),
                from_zero=True,
                may_be_log=subject != _FRACTION,
            )
        # Names run from left to right; a legend fills its columns first.
        order = [
            index
            for column in range(columns)
            for index in range(column, len(names), columns)
        ]
        figure.legend(
            [_handle(styles[names[index]]) for index in order],
            [shown[index] for index in order],
            ncols=columns,
            loc="outside upper left",
            fontsize=13,
            title=title and paper.shortened(title, _WIDTH - 40, 16, "bold"),
            title_fontproperties={"size": 16, "weight": "bold"},
            alignment="left",
        )
        epochs.arrange(figure)
        return paper.save(figure, path)


def _handle(style):
    from matplotlib.lines import Line2D

    return Line2D([], [], **style)


def _lines(series, styles) -> list:
    has_labels = len(series) <= _MOST_LABELS
    return [
        epochs.Line(
            *line,
            styles[name],
            epochs.number(epochs.last_value(line[1])) if has_labels else None,
        )
        for name, line in series.items()
    ]


def _panels(logs, tasks) -> dict:
    """Maps the subject of a panel to `{task: (epochs, values)}`."""
    weighted = epochs.tasks_with(logs, "_weight", tasks)
    measured = epochs.tasks_with(logs, "_gradient_norm", tasks)
    panels = {}
    if weighted:
        panels[_WEIGHT] = {
            name: epochs.values_of(logs, f"{name}_weight") for name in weighted
        }
        panels[_FRACTION] = _fractions(logs, weighted)
    if measured:
        panels[_NORM] = {
            name: epochs.values_of(logs, f"{name}_gradient_norm")
            for name in measured
        }
    if not panels:
        raise ValueError(
            "`metrics` must hold `<task>_weight` or `<task>_gradient_norm` of "
            f"at least one task. Received: {len(logs)} epochs with the keys "
            f"{sorted(epochs.keys_of(logs))}. "
            "Compile with a balancer that has monitor=True."
        )
    return panels


def _fractions(logs, names) -> dict:
    keys = [f"{name}_weight" for name in names]
    complete = {
        epoch: entry
        for epoch, entry in logs.items()
        if all(key in entry for key in keys)
    }
    weights = [epochs.values_of(complete, key) for key in keys]
    sizes = np.abs([values for _, values in weights])
    total = sizes.sum(axis=0)
    fractions = sizes / np.where(total > 0, total, np.nan)
    return {
        name: (weights[index][0], fractions[index])
        for index, name in enumerate(names)
    }
