"""Cosines between the tasks' gradients, pair by pair."""

import itertools
import math
import pathlib
from collections.abc import Iterable

import numpy as np

from mtl_keras.plots import epochs
from mtl_keras.plots import figure as paper

_WIDTH, _SIDE = 1200, 410
_MOST_NAME = 190
# The pairs that conflict most are drawn in colour and named.
_MOST_NAMED = 8
_MOST_WRITTEN_TASKS = 10
# More faint lines than these would be one grey surface.
_MOST_SOLID = 40
# Blue to red through white: colour-blind readers can tell them apart.
_COLOURS = "RdBu"


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
        title: String above the map. Defaults to none.
        tasks: Names of the tasks. Defaults to all names in front of
            `_gradient_norm`.

    Returns:
        Path of the figure, 1200 pixels wide.

    Raises:
        ValueError: If no pair of tasks has a cosine, an entry is not a dict,
            or the path is a folder or not a `.png`.
    """
    path = paper.checked_path(path)
    pairs = _pairs(epochs.by_epoch(metrics), tasks)
    names = sorted({name for pair in pairs for name in pair})
    last = max(epoch for logged, _ in pairs.values() for epoch in logged)
    size = min(13, max(7, 0.8 * _SIDE / len(names)))
    shown = [paper.shortened(name, _MOST_NAME, size) for name in names]
    longest = max(paper.text_width(name, size) for name in shown)
    is_upright = longest < 0.9 * _SIDE / len(names)
    height = _SIDE + (80 if is_upright else 60 + round(longest))
    with paper.new_figure(_WIDTH, height + 36 * bool(title)) as figure:
        paper.write_title(figure, title)
        ratios = [1.15 if is_upright else 1.6, 1]
        left, right = figure.subplots(1, 2, width_ratios=ratios)
        left.set_title(
            f"cosines of the gradients, epoch {last}", weight="bold", pad=10
        )
        _draw_map(figure, left, _matrix(pairs, names, last))
        look = {"fontsize": size, "color": paper.INK}
        left.set_yticks(range(len(names)), shown, **look)
        left.set_xticks(
            range(len(names)), shown, rotation=0 if is_upright else 90, **look
        )
        right.set_title("over the epochs", weight="bold", pad=10)
        right.set_xlabel("epoch")
        _draw_pairs(right, pairs)
        epochs.arrange(figure)
        # Only now is the size of a cell known.
        cell = min(left.bbox.size) / len(names)
        for text in left.texts:
            text.set_size(min(14, 0.28 * cell))
        return paper.save(figure, path)


def _pairs(logs, tasks) -> dict:
    """Maps each pair of tasks to its epochs and cosines."""
    if tasks is None:
        tasks = epochs.tasks_with(logs, "_gradient_norm", None)
    pairs = {
        pair: epochs.values_of(logs, "_".join((*pair, "cosine")))
        for pair in itertools.combinations(sorted(tasks), 2)
    }
    pairs = {pair: line for pair, line in pairs.items() if len(line[0])}
    if not pairs:
        raise ValueError(
            "`metrics` must hold `<task>_<other>_cosine` of a pair of tasks, "
            "and `<task>_gradient_norm` of each task or else `tasks`. "
            f"Received: {len(logs)} epochs with the keys "
            f"{sorted(epochs.keys_of(logs))}. "
            "Compile with a gradient balancer that has monitor=True."
        )
    return pairs


def _matrix(pairs, names, last):
    matrix = np.full((len(names), len(names)), math.nan)
    for pair, (logged, values) in pairs.items():
        if last in logged:
            i, j = map(names.index, pair)
            matrix[i, j] = matrix[j, i] = values[list(logged).index(last)]
    return matrix


def _draw_map(figure, axes, matrix):
    count = len(matrix)
    axes.set_facecolor("#EFEFEF")
    image = axes.imshow(matrix, cmap=_COLOURS, vmin=-1, vmax=1, aspect="auto")
    scale = figure.colorbar(
        image, ax=axes, ticks=[-1, 0, 1], fraction=0.06, aspect=34
    )
    scale.outline.set_visible(False)
    scale.ax.tick_params(length=0)
    axes.spines[:].set_visible(False)
    edges = np.arange(count + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=min(2, 25 / count))
    axes.tick_params(which="both", length=0)
    if count > _MOST_WRITTEN_TASKS:
        return
    for i, j in np.argwhere(np.isfinite(matrix)):
        axes.text(
            j,
            i,
            _cosine(matrix[i, j]),
            ha="center",
            va="center_baseline",
            color="white" if abs(matrix[i, j]) > 0.6 else paper.INK,
        )


def _cosine(value):
    # Rounded first, and `+ 0.0`: a zero has no sign.
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _draw_pairs(axes, pairs):
    ends = {pair: epochs.last_value(line[1]) for pair, line in pairs.items()}
    lowest = sorted(
        pairs, key=lambda pair: (ends[pair] is None, ends[pair], pair)
    )
    named = lowest[:_MOST_NAMED]
    # By name, so that colours stay when the cosines change.
    styles = epochs.styles(sorted(named))
    background = {"color": paper.RULE, "linewidth": 1}
    background["alpha"] = min(1.0, _MOST_SOLID / len(pairs))
    lines = []
    # Those in colour are drawn last, above the others.
    for pair in reversed(lowest):
        label = None
        if pair in styles and ends[pair] is not None:
            names = [paper.shortened(name, 104, 12) for name in pair]
            label = f"{_cosine(ends[pair])}  {' · '.join(names)}"
        style = styles.get(pair, background)
        lines.append(epochs.Line(*pairs[pair], style, label))
    epochs.draw_lines(axes, lines, from_zero=True)
    low, high = axes.get_ylim()
    axes.set_ylim(max(min(low, -0.1), -1.05), min(max(high, 0.1), 1.05))
    axes.axhline(0, color=paper.FAINT, linewidth=1, zorder=1.5)
