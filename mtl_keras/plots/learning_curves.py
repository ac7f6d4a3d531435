"""Curves of a training: a panel for each task and quantity."""

import math
import pathlib
from collections.abc import Iterable

from mtl_keras.plots import epochs
from mtl_keras.plots import figure as paper

_NOT_DRAWN = ("epoch", "seconds")
_VALIDATION = "val_"
_WIDTH = 1200
_HEADER = 60
_STYLES = {
    False: {"linewidth": 1.4, "linestyle": (0, (4, 2.5))},
    True: {"linewidth": 2.0, "linestyle": "-"},
}


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
    every second epoch) leaves none. Of two entries for one epoch the later
    counts.

    Args:
        metrics: List of dicts, one an epoch, as in a run's `metrics.jsonl`:
            `{"epoch": 0, "loss": 1.2, "cls_loss": 0.7, "val_loss": 1.4,
            "seconds": 3.1}`. Values that are not numbers, `epoch` and
            `seconds` are not drawn.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the panels. Defaults to none.
        tasks: Names of the tasks; a key belongs to the longest name it starts
            with. Defaults to all names in front of `_loss`.

    Returns:
        Path of the figure, 1200 pixels wide where four panels fill a row.

    Raises:
        ValueError: If there is nothing to draw, an entry is not a dict, or the
            path is a folder or not a `.png`.
    """
    path = paper.checked_path(path)
    panels = _panels(epochs.by_epoch(metrics), tasks)
    columns = _num_columns(len(panels))
    rows = math.ceil(len(panels) / columns)
    # Few panels do not grow beyond what a curve needs.
    width = min(_WIDTH // columns, 480)
    size = (columns * width, _HEADER + rows * round(0.62 * width))
    names = sorted({task for task, _ in panels if task is not None})
    styles = epochs.styles(names)
    with paper.new_figure(*size) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).flat
        for axes in list(grid)[len(panels) :]:
            axes.remove()
        for index, ((task, quantity), lines) in enumerate(panels.items()):
            axes = grid[index]
            colour = styles[task]["color"] if task in styles else paper.INK
            _write_title(axes, task, quantity.replace("_", " "), width - 80)
            epochs.draw_lines(
                axes,
                [
                    epochs.Line(
                        *line,
                        {"color": colour, **_STYLES[is_validation]},
                        epochs.number(epochs.last_value(line[1])),
                        is_bold=is_validation,
                    )
                    for is_validation, line in sorted(lines.items())
                ],
            )
            if index + columns >= len(panels):
                axes.set_xlabel("epoch")
        present = {which for lines in panels.values() for which in lines}
        _write_key(figure, title, present)
        epochs.arrange(figure)
        return paper.save(figure, path)


def _panels(logs, tasks) -> dict:
    """Maps task and quantity to `{is_validation: (epochs, values)}`."""
    series = {
        key: epochs.values_of(logs, key)
        for key in epochs.keys_of(logs)
        if key not in _NOT_DRAWN
    }
    series = {key: line for key, line in series.items() if len(line[0])}
    if not series:
        raise ValueError(
            "`metrics` must hold at least one number besides 'epoch' and "
            f"'seconds'. Received: {len(logs)} epochs with the keys "
            f"{sorted(epochs.keys_of(logs))}"
        )
    names = _inferred_tasks(series) if tasks is None else list(tasks)
    panels = {}
    for key, line in series.items():
        is_validation, task, quantity = _parts(key, names)
        panels.setdefault((task, quantity), {})[is_validation] = line
    return dict(sorted(panels.items(), key=lambda panel: _place(*panel[0])))


def _place(task, quantity):
    is_loss = quantity == "loss"
    if task is None:
        return (0 if is_loss else 2, "", not is_loss)
    return (1, task, not is_loss)


def _inferred_tasks(keys):
    keys = {key.removeprefix(_VALIDATION) for key in keys}
    return [
        key.removesuffix("_loss")
        for key in keys
        if key.endswith("_loss") and key != "_loss"
    ]


def _parts(key, tasks):
    # A task may itself be named 'val_x', so the whole key is tried first.
    for is_validation, rest in (
        (False, key),
        (True, key.removeprefix(_VALIDATION)),
    ):
        matches = [name for name in tasks if rest.startswith(f"{name}_")]
        if matches:
            task = max(matches, key=len)
            return is_validation, task, rest.removeprefix(f"{task}_")
    return key.startswith(_VALIDATION), None, key.removeprefix(_VALIDATION)


def _num_columns(num_panels):
    if num_panels <= 4:
        return num_panels
    if num_panels > 12:
        return 4
    # The fewest empty places; of equals the fewer rows.
    return min((4, 3), key=lambda columns: -num_panels % columns)


def _write_title(axes, task, quantity, room):
    if task is None:
        task = "total" if quantity == "loss" else quantity
        quantity = quantity if quantity == "loss" else ""
    quantity = paper.shortened(quantity, 0.5 * room, 14)
    room -= 7 + paper.text_width(quantity, 14)
    task = paper.shortened(task, room, 14, "bold")
    title = axes.set_title(task, weight="bold", pad=10)
    # Only the task is bold: the quantity is a text of its own after it.
    axes.annotate(
        quantity,
        (1, 0),
        xycoords=title,
        xytext=(7, 0),
        textcoords="offset pixels",
        va="bottom",
        size=14,
        in_layout=False,
    )


def _write_key(figure, title, present):
    from matplotlib.lines import Line2D

    names = {False: "train", True: "validation"}
    width = figure.bbox.width
    figure.legend(
        [
            Line2D([], [], color=paper.INK, **_STYLES[which])
            for which in sorted(present)
        ],
        [names[which] for which in sorted(present)],
        ncols=2,
        loc="outside upper right",
        fontsize=13,
    )
    if title:
        room = width - 16 - 120 * (1 + len(present))
        title = paper.shortened(title, room, 16, "bold")
        # Beside the key, which has made the room for both.
        figure.text(
            16 / width,
            1 - 14 / figure.bbox.height,
            title,
            va="top",
            size=16,
            weight="bold",
        )
