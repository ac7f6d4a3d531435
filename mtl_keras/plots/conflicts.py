"""Where the tasks' gradients pull apart: the cosines of each pair."""

import dataclasses
import itertools
import math
import pathlib
from collections.abc import Iterable

import numpy as np

from mtl_keras.plots import epochs
from mtl_keras.plots import figure as paper

_WIDTH = 1200
# The map's side, and room for the key of its colours, and for pairs' names.
_SIDE = 410
_SCALE, _NAMED = 120, 270
# Names beside the map, between these; longer ones are cut.
_LEAST_NAMES, _MOST_NAMES = 60, 190
# The pairs that conflict most are drawn in colour and named.
_MOST_NAMED = 8
_MOST_WRITTEN_TASKS = 10
# More faint lines than these would be one grey surface.
_MOST_SOLID = 40
# Blue to red through white: told apart by the colour-blind too.
_COLOURS = "RdBu"


@dataclasses.dataclass(frozen=True)
class _Page:
    """Where things stand, in pixels."""

    left: int
    top: int
    bottom: int

    @property
    def height(self):
        return self.top + _SIDE + self.bottom

    def axes(self, figure, left, right):
        return figure.add_axes(
            (
                left / _WIDTH,
                self.bottom / self.height,
                (right - left) / _WIDTH,
                _SIDE / self.height,
            )
        )


def conflicts(
    metrics: list[dict],
    path,
    title: str | None = None,
    tasks: Iterable[str] | None = None,
) -> pathlib.Path:
    """Draws the cosines between the tasks' gradients.

    The map shows the last epoch that has them, blue where two tasks agree and
    red where they conflict; the lines show each pair over the epochs. With
    more than eight pairs, those with the lowest cosine at the end are drawn in
    colour and named.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`:
            `{"epoch": 0, "box_cls_cosine": -0.2, ...}`, as a balancer of
            gradients compiled with `monitor=True` logs them.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the picture. Defaults to none.
        tasks: Names of the tasks. Defaults to what stands before
            `_gradient_norm`.

    Returns:
        Path of the picture, 1200 pixels wide.

    Raises:
        ValueError: If no pair of tasks has a cosine, a line is no dict, or the
            path is a folder or no `.png`.
    """
    path = paper.checked_path(path)
    lines = epochs.by_epoch(metrics)
    pairs = _pairs(lines, tasks)
    names = sorted({name for pair in pairs for name in pair})
    last = max(epoch for found, _ in pairs.values() for epoch in found)
    size = min(13, max(7, 0.8 * _SIDE / len(names)))
    longest = max(paper.text_width(name, size) for name in names)
    longest = round(min(max(longest, _LEAST_NAMES), _MOST_NAMES))
    is_upright = longest < _SIDE / len(names)
    page = _Page(
        longest + 16, 80 if title else 40, 46 if is_upright else longest + 20
    )
    with paper.new_figure(_WIDTH, page.height) as figure:
        ground = paper.pixel_axes(figure)
        if title:
            text = paper.shortened(title, _WIDTH - 2 * page.left, 16, "bold")
            ground.text(
                page.left,
                20,
                text,
                size=16,
                weight="bold",
                va="center_baseline",
            )
        lines_left = page.left + _SIDE + _SCALE
        for left, subject in (
            (page.left, f"cosines of the gradients, epoch {last}"),
            (lines_left, "over the epochs"),
        ):
            ground.text(left, page.top - 12, subject, size=14, weight="bold")
        axes = page.axes(figure, page.left, page.left + _SIDE)
        _draw_map(axes, _matrix(pairs, names, last))
        _write_names(axes, names, size, longest, is_upright=is_upright)
        _draw_scale(figure, ground, page)
        _draw_pairs(page.axes(figure, lines_left, _WIDTH - _NAMED), pairs)
        return paper.save(figure, path)


def _pairs(lines, tasks) -> dict:
    if tasks is None:
        tasks = epochs.tasks_with(lines, "_gradient_norm", None)
    pairs = {}
    for first, second in itertools.combinations(sorted(tasks), 2):
        found = epochs.values_of(lines, f"{first}_{second}_cosine")
        if len(found[0]):
            pairs[first, second] = found
    if not pairs:
        raise ValueError(
            "`metrics` must hold `<task>_<other>_cosine` of at least one pair "
            "of tasks, and `<task>_gradient_norm` of each task or else "
            f"`tasks`. Received: {len(lines)} epochs with the keys "
            f"{sorted({key for line in lines.values() for key in line})}. "
            "Compile with a balancer that reads gradients and has monitor=True."
        )
    return pairs


def _matrix(pairs, names, last):
    matrix = np.full((len(names), len(names)), math.nan)
    for (first, second), (found, values) in pairs.items():
        if last in found:
            i, j = names.index(first), names.index(second)
            value = values[np.flatnonzero(found == last)[0]]
            matrix[i, j] = matrix[j, i] = value
    return matrix


def _draw_map(axes, matrix):
    count = len(matrix)
    cell = _SIDE / count
    axes.set_facecolor("#EFEFEF")
    axes.imshow(matrix, cmap=_COLOURS, vmin=-1, vmax=1, aspect="auto")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=min(2, 0.06 * cell))
    axes.tick_params(which="both", length=0)
    if count > _MOST_WRITTEN_TASKS:
        return
    for i, j in itertools.product(range(count), repeat=2):
        if np.isfinite(matrix[i, j]):
            axes.text(
                j,
                i,
                _cosine(matrix[i, j]),
                size=min(14, 0.28 * cell),
                ha="center",
                va="center_baseline",
                color="white" if abs(matrix[i, j]) > 0.6 else paper.INK,
            )


def _write_names(axes, names, size, room, *, is_upright):
    shown = [paper.shortened(name, room, size) for name in names]
    look = {"fontsize": size, "color": paper.INK}
    axes.set_yticks(range(len(names)), shown, **look)
    rotation = 0 if is_upright else 90
    axes.set_xticks(range(len(names)), shown, rotation=rotation, **look)


def _draw_scale(figure, ground, page):
    left = page.left + _SIDE + 14
    axes = page.axes(figure, left, left + 12)
    ramp = np.linspace(1, -1, 201)[:, None]
    axes.imshow(ramp, cmap=_COLOURS, vmin=-1, vmax=1, aspect="auto")
    axes.set_axis_off()
    for value, text in ((1, "1"), (0, "0"), (-1, "−1")):
        ground.text(
            left + 18,
            page.top + _SIDE * (1 - value) / 2,
            text,
            size=12,
            color=paper.FAINT,
            va="center",
        )


def _cosine(value):
    # Rounded first, and `+ 0.0`: a zero has no sign.
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _draw_pairs(axes, pairs):
    ends = {}
    for pair, (_, values) in pairs.items():
        finite = values[np.isfinite(values)]
        ends[pair] = finite[-1] if len(finite) else math.inf
    named = sorted(pairs, key=lambda pair: (ends[pair], pair))[:_MOST_NAMED]
    # The order of colours stays when the cosines change.
    styles = epochs.styles(sorted(named))
    rest = {"color": paper.RULE, "linestyle": "-", "linewidth": 1}
    rest["alpha"] = min(1.0, _MOST_SOLID / len(pairs))
    styles.update((pair, rest) for pair in pairs if pair not in styles)
    labels = {}
    for pair in named:
        if math.isfinite(ends[pair]):
            names = [paper.shortened(name, 104, 12) for name in pair]
            labels[pair] = f"{_cosine(ends[pair])}  {' · '.join(names)}"
    # Those in colour lie above the rest.
    ordered = {pair: pairs[pair] for pair in pairs if pair not in named}
    ordered.update((pair, pairs[pair]) for pair in named)
    epochs.set_height(axes, ordered, zero=True, may_be_log=False)
    low, high = axes.get_ylim()
    axes.set_ylim(max(min(low, -0.1), -1.05), min(max(high, 0.1), 1.05))
    axes.axhline(0, color=paper.FAINT, linewidth=1, zorder=3)
    epochs.draw_lines(axes, ordered, styles, labels)
