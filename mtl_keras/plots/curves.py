"""Curves of a training: a panel for each task and quantity."""

import dataclasses
import math
import pathlib
from collections.abc import Iterable

import numpy as np

from mtl_keras.plots import figure as paper
from mtl_keras.plots.epochs import by_epoch, is_number

_NOT_DRAWN = ("epoch", "seconds")
_VALIDATION = "val_"
_WIDTH = 1200
_HEADER = 44
# Around a panel's axes: room for the numbers, the title, the last values.
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 54, 34, 34
_LINE_HEIGHT = 15


@dataclasses.dataclass
class _Panel:
    task: str | None
    quantity: str
    lines: dict

    @property
    def title(self):
        """The task, or what stands for it, and the quantity."""
        quantity = self.quantity.replace("_", " ")
        if self.task is None:
            return ("total", quantity) if quantity == "loss" else (quantity, "")
        return self.task, quantity


def curves(
    metrics: list[dict],
    path,
    title: str | None = None,
    tasks: Iterable[str] | None = None,
) -> pathlib.Path:
    """Draws losses and metrics over the epochs, a panel for each.

    A panel shows one quantity of one task: dashed in training, solid in
    validation, with the last value at the line's end. The total loss has the
    first panel; quantities of no task have the last ones. A value that is NaN,
    infinite or `None` leaves a gap; an epoch without the quantity (validation
    every second epoch) leaves none. Of two lines for one epoch the later
    counts.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`:
            `{"epoch": 0, "loss": 1.2, "cls_loss": 0.7, "val_loss": 1.4,
            "seconds": 3.1}`. Entries that are no numbers, `epoch` and
            `seconds` are not drawn.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the panels. Defaults to none.
        tasks: Names of the tasks; a key belongs to the longest name it starts
            with. Defaults to the names found in front of `_loss`.

    Returns:
        Path of the picture, 1200 pixels wide.

    Raises:
        ValueError: If there is nothing to draw, a line is no dict, or the
            path is a folder or no `.png`.
    """
    path = paper.checked_path(path)
    panels = _panels(by_epoch(metrics), tasks)
    columns = _num_columns(len(panels))
    rows = math.ceil(len(panels) / columns)
    # Few panels do not grow beyond what a curve needs.
    width = min(_WIDTH // columns, 480)
    height = round(0.62 * (width - _LEFT - _RIGHT)) + _TOP + _BOTTOM
    size = (columns * width, _HEADER + rows * height)
    names = sorted({panel.task for panel in panels if panel.task is not None})
    colours = {
        name: paper.TASK_COLOURS[index % len(paper.TASK_COLOURS)]
        for index, name in enumerate(names)
    }
    with paper.new_figure(*size) as figure:
        ground = paper.pixel_axes(figure)
        _draw_header(ground, size[0], title, panels)
        for index, panel in enumerate(panels):
            row, column = divmod(index, columns)
            left, top = column * width, _HEADER + row * height
            axes = figure.add_axes(
                (
                    (left + _LEFT) / size[0],
                    1 - (top + height - _BOTTOM) / size[1],
                    (width - _LEFT - _RIGHT) / size[0],
                    (height - _TOP - _BOTTOM) / size[1],
                )
            )
            _draw_title(ground, panel, left + _LEFT, top + _TOP - 10, width)
            _draw_panel(axes, panel, colours.get(panel.task, paper.INK))
            if index + columns >= len(panels):
                axes.set_xlabel("epoch", fontsize=11, labelpad=2)
        return paper.save(figure, path)


def _panels(by_epoch, tasks):
    series = {}
    for epoch, line in by_epoch.items():
        for key, value in line.items():
            if key in _NOT_DRAWN or not is_number(value):
                continue
            value = math.nan if value is None else float(value)
            epochs, values = series.setdefault(key, ([], []))
            epochs.append(epoch)
            values.append(value if math.isfinite(value) else math.nan)
    names = _inferred_tasks(series) if tasks is None else list(tasks)
    panels = {}
    for key, line in series.items():
        is_validation, task, quantity = _parts(key, names)
        panel = panels.setdefault((task, quantity), _Panel(task, quantity, {}))
        panel.lines[is_validation] = tuple(map(np.asarray, line))
    if not panels:
        raise ValueError(
            "`metrics` must hold at least one number besides 'epoch' and "
            f"'seconds'. Received: {len(by_epoch)} epochs with the keys "
            f"{sorted({key for line in by_epoch.values() for key in line})}"
        )
    return sorted(panels.values(), key=_place)


def _place(panel):
    is_loss = panel.quantity == "loss"
    if panel.task is None:
        return (0 if is_loss else 2, "", not is_loss)
    return (1, panel.task, not is_loss)


def _inferred_tasks(keys):
    keys = {key.removeprefix(_VALIDATION) for key in keys}
    return [
        key.removesuffix("_loss")
        for key in keys
        if key.endswith("_loss") and key != "_loss"
    ]


def _parts(key, tasks):
    # A task may itself be named 'val_x', so the key as it is comes first.
    for is_validation, rest in (
        (False, key),
        (True, key.removeprefix(_VALIDATION)),
    ):
        matching = [name for name in tasks if rest.startswith(f"{name}_")]
        if matching:
            task = max(matching, key=len)
            return is_validation, task, rest.removeprefix(f"{task}_")
    return key.startswith(_VALIDATION), None, key.removeprefix(_VALIDATION)


def _num_columns(num_panels):
    if num_panels <= 4:
        return num_panels
    if num_panels > 12:
        return 4
    # The fewest empty places; of equals the fewer rows.
    return min((4, 3), key=lambda columns: -num_panels % columns)


def _draw_header(ground, width, title, panels):
    right = width - _RIGHT
    present = {which for panel in panels for which in panel.lines}
    for which, name in ((True, "validation"), (False, "train")):
        if which not in present:
            continue
        right -= paper.text_width(name, 13)
        ground.text(right, 20, name, size=13, va="center_baseline")
        right -= 36
        ground.plot([right, right + 28], [20, 20], **_line(which, paper.INK))
        right -= 20
    if title:
        title = paper.shortened(title, right - _LEFT, 16, "bold")
        ground.text(
            _LEFT, 20, title, size=16, weight="bold", va="center_baseline"
        )


def _line(is_validation, colour):
    if is_validation:
        return {"color": colour, "linewidth": 2.0, "linestyle": "-"}
    return {"color": colour, "linewidth": 1.4, "linestyle": (0, (4, 2.5))}


def _draw_title(ground, panel, left, baseline, width):
    room = width - _LEFT - 8
    subject, quantity = panel.title
    quantity = paper.shortened(quantity, 0.5 * room, 14)
    room -= 7 + paper.text_width(quantity, 14)
    subject = paper.shortened(subject, room, 14, "bold")
    ground.text(left, baseline, subject, size=14, weight="bold")
    left += 7 + paper.text_width(subject, 14, "bold")
    ground.text(left, baseline, quantity, size=14)


def _draw_panel(axes, panel, colour):
    from matplotlib.ticker import MaxNLocator

    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE", linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, labelsize=11)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ends = {}
    for is_validation, (epochs, values) in sorted(panel.lines.items()):
        axes.plot(epochs, values, **_line(is_validation, colour))
        alone = _is_alone(values)
        axes.plot(epochs[alone], values[alone], ".", color=colour, ms=9)
        finite = np.flatnonzero(np.isfinite(values))
        if len(finite):
            end = (epochs[finite[-1]], values[finite[-1]])
            axes.plot(*end, ".", color=colour, ms=9, clip_on=False)
            ends[is_validation] = end
    every = np.concatenate([epochs for epochs, _ in panel.lines.values()])
    first, last = every.min(), every.max()
    if last > first:
        axes.set_xlim(first, last)
    else:
        # A single epoch has no width of its own.
        axes.set_xlim(first - 1, first + 1)
        axes.set_xticks([first])
    _set_height(axes, panel.lines)
    if not ends:
        axes.set_yticks([])
        axes.text(
            0.5,
            0.5,
            "no finite value",
            transform=axes.transAxes,
            ha="center",
            color=paper.FAINT,
        )
    _write_ends(axes, ends, colour)


def _set_height(axes, lines):
    values = np.concatenate([values for _, values in lines.values()])
    values = values[np.isfinite(values)]
    if not len(values):
        return
    low, high = values.min(), values.max()
    # The last digits of a value that hardly changes are no landscape.
    room = max(0.06 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    axes.set_ylim(low - room, high + room)


def _is_alone(values):
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    return finite[1:-1] & ~finite[:-2] & ~finite[2:]


def _write_ends(axes, ends, colour):
    if not ends:
        return
    heights = {
        which: axes.transData.transform(end)[1] for which, end in ends.items()
    }
    placed = dict(heights)
    if len(ends) == 2:
        # Two values at the same height would be written over each other.
        gap = heights[True] - heights[False]
        lacking = max(0.0, _LINE_HEIGHT - abs(gap)) / 2
        up = gap > 0 or (gap == 0 and ends[True][1] >= ends[False][1])
        placed[up] += lacking
        placed[not up] -= lacking
    for which, end in ends.items():
        axes.annotate(
            _number(end[1]),
            end,
            xytext=(8, placed[which] - heights[which]),
            textcoords="offset pixels",
            va="center_baseline",
            size=12,
            weight="bold" if which else "normal",
            color=colour,
            annotation_clip=False,
        )


def _number(value):
    return f"{value:.3f}" if 0.001 <= abs(value) < 100 else f"{value:.3g}"
