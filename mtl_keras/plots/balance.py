"""How a balancer weighed the tasks, over the epochs."""

import pathlib
from collections.abc import Iterable

import numpy as np

from mtl_keras.plots import epochs
from mtl_keras.plots import figure as paper

_WIDTH = 1200
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 62, 34, 44
_HEIGHT = 330
_ROW = 24
# More values at the lines' ends than these could not be told apart.
_MOST_LABELS = 12
_SHARES = "share of the weights"


def balance(
    metrics: list[dict],
    path,
    title: str | None = None,
    tasks: Iterable[str] | None = None,
) -> pathlib.Path:
    """Draws what a balancer compiled with `monitor=True` did over the epochs.

    One panel shows each task's weight, one its share of the sum of all
    (absolute) weights, whatever the method's scale, and one the length of its
    gradient where the method reads gradients. An axis but that of
    the shares is logarithmic where values differ by more than a factor of 30.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`:
            `{"epoch": 0, "cls_weight": 0.7, "cls_gradient_norm": 1.3, ...}`.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the panels. Defaults to none.
        tasks: Names of the tasks. Defaults to what stands before `_weight`
            and `_gradient_norm`.

    Returns:
        Path of the picture, 1200 pixels wide.

    Raises:
        ValueError: If no task has a weight or a gradient's norm, a line is no
            dict, or the path is a folder or no `.png`.
    """
    path = paper.checked_path(path)
    lines = epochs.by_epoch(metrics)
    tasks = None if tasks is None else list(tasks)
    panels = _panels(lines, tasks)
    names = sorted({name for series in panels.values() for name in series})
    styles = epochs.styles(names)
    rows = _key_rows(names)
    header = 44 if title else 12
    top = header + _ROW * len(rows)
    size = (_WIDTH, top + _HEIGHT)
    width = min(_WIDTH // len(panels), 600)
    with paper.new_figure(*size) as figure:
        ground = paper.pixel_axes(figure)
        if title:
            text = paper.shortened(title, _WIDTH - 2 * _LEFT, 16, "bold")
            ground.text(
                _LEFT, 20, text, size=16, weight="bold", va="center_baseline"
            )
        _draw_key(ground, rows, styles, header)
        for index, (subject, series) in enumerate(panels.items()):
            left = index * width + _LEFT
            axes = figure.add_axes(
                (
                    left / size[0],
                    _BOTTOM / size[1],
                    (width - _LEFT - _RIGHT) / size[0],
                    (_HEIGHT - _TOP - _BOTTOM) / size[1],
                )
            )
            ground.text(left, top + _TOP - 10, subject, size=14, weight="bold")
            epochs.set_height(
                axes, series, zero=True, may_be_log=subject != _SHARES
            )
            epochs.draw_lines(axes, series, styles, _labels(series))
        return paper.save(figure, path)


def _panels(lines, tasks) -> dict:
    weighted = epochs.tasks_with(lines, "_weight", tasks)
    measured = epochs.tasks_with(lines, "_gradient_norm", tasks)
    panels = {}
    if weighted:
        weights = {
            name: epochs.values_of(lines, f"{name}_weight") for name in weighted
        }
        panels["weight"] = weights
        panels[_SHARES] = _shares(lines, weighted)
    if measured:
        panels["length of the gradient"] = {
            name: epochs.values_of(lines, f"{name}_gradient_norm")
            for name in measured
        }
    if not panels:
        raise ValueError(
            "`metrics` must hold `<task>_weight` or `<task>_gradient_norm` of "
            f"at least one task. Received: {len(lines)} epochs with the keys "
            f"{sorted({key for line in lines.values() for key in line})}. "
            "Compile with a balancer that has monitor=True."
        )
    return panels


def _shares(lines, names) -> dict:
    there = {
        epoch: line
        for epoch, line in lines.items()
        if all(f"{name}_weight" in line for name in names)
    }
    found = [epochs.values_of(there, f"{name}_weight") for name in names]
    sizes = np.abs([values for _, values in found])
    total = sizes.sum(axis=0)
    shares = sizes / np.where(total > 0, total, np.nan)
    return {
        name: (found[index][0], shares[index])
        for index, name in enumerate(names)
    }


def _labels(series):
    if len(series) > _MOST_LABELS:
        return None
    ends = {
        name: values[np.isfinite(values)]
        for name, (_, values) in series.items()
    }
    return {
        name: epochs.number(values[-1])
        for name, values in ends.items()
        if len(values)
    }


def _key_rows(names) -> list:
    """Lays the names out in rows of one width."""
    rows, left = [[]], _LEFT
    for name in names:
        name = paper.shortened(name, 300, 13)
        width = 36 + paper.text_width(name, 13) + 24
        if left + width > _WIDTH and rows[-1]:
            rows.append([])
            left = _LEFT
        rows[-1].append((left, name))
        left += width
    return rows


def _draw_key(ground, rows, styles, top):
    shown = iter(styles.values())
    for index, row in enumerate(rows):
        height = top + _ROW * index + _ROW / 2
        for left, name in row:
            ground.plot([left, left + 28], [height] * 2, **next(shown))
            ground.text(left + 36, height, name, size=13, va="center_baseline")
