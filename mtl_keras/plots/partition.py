"""A model's trunk, its frontier and its heads."""

import dataclasses
import itertools
import math
import pathlib

from mtl_keras.plots import figure as paper

_MARGIN = 20
_HEADER = 52
_TITLE = 46
_LINE_HEIGHT = 19
# Left edge and width of each column, in pixels.
_TRUNK = (20, 380)
_FRONTIER = (452, 240)
_HEADS = (820, 400)
_WIDTH = 1240
_CHIP = 44
# Below this height of a row, a head has one line of text instead of two.
_SLIM = 32
_MAX_LINES = 18
_SOLID, _DASHED = "-", (0, (3, 2.5))


@dataclasses.dataclass
class _Chip:
    """A frontier tensor; `y` is its middle."""

    name: str
    shape: str
    is_live: bool
    readers: list
    y: float = 0.0


def partition(model, path, title: str | None = None) -> pathlib.Path:
    """Draws what the tasks of a model share, and what is their own.

    On the left the trunk with its layers, their outputs' shapes and numbers
    of parameters, a long one cut in the middle; then the frontier, the
    tensors where heads read the trunk or an input; on the right the heads, in
    the colours of `curves`. A dashed tensor has no trainable shared variable
    above it: no gradient flows back there.

    Args:
        model: Functional model whose outputs are a flat dict, as for
            `graph.partition`.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String above the picture. Defaults to the model's name.

    Returns:
        Path of the picture, 1240 pixels wide and as high as it must be.

    Raises:
        ValueError: If the model is not functional or its outputs are no flat
            dict, or the path is a folder or no `.png`.
    """
    path = paper.checked_path(path)
    # Here, since it imports Keras: the other plots need none.
    from mtl_keras import graph

    parts = graph.partition(model)
    lines = _trunk_lines(parts)
    row = _row_height(len(parts.tasks))
    chips = _chips(parts)
    inner = max(
        _TITLE + _LINE_HEIGHT * max(len(lines), 1) + 14,
        row * len(parts.tasks),
        (_CHIP + 10) * len(chips),
    )
    top = _HEADER + 8
    height = math.ceil(top + inner + _MARGIN)
    rows = _rows(parts, top, inner, row)
    _place(chips, rows, top, inner)
    trunk = (top + inner / 2, _TITLE + _LINE_HEIGHT * len(lines) + 14)
    with paper.new_figure(_WIDTH, height) as figure:
        axes = paper.pixel_axes(figure)
        _draw_header(axes, parts, title or model.name)
        _draw_edges(axes, chips, rows, trunk, bool(parts.trunk.calls))
        _draw_trunk(axes, parts, lines, trunk)
        for chip in chips:
            _draw_chip(axes, chip)
        for name, (y, colour) in rows.items():
            _draw_head(axes, parts, name, (y, row), colour)
        return paper.save(figure, path)


def _row_height(num_tasks):
    return 64 if num_tasks <= 8 else 56 if num_tasks <= 16 else _SLIM


def _count(weights) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _shape(tensor) -> str:
    sides = ["?" if side is None else str(side) for side in tensor.shape[1:]]
    return " × ".join(sides) or "one number"


def _trunk_lines(parts) -> list[tuple[str, str, str]]:
    """Name, shape and parameters of each layer of the trunk, in order."""
    calls = {}
    for call in parts.trunk.calls:
        calls.setdefault(id(call.operation), []).append(call)
    lines = [
        (f"input {parts.tensors[slot].name}", _shape(parts.tensors[slot]), "")
        for slot in parts.trunk.reads
        if any(slot in call.reads for call in parts.trunk.calls)
    ]
    if not calls:
        return [("nothing is shared", "", "")]
    for group in calls.values():
        operation = group[0].operation
        name = operation.name + (f" ({len(group)}×)" if len(group) > 1 else "")
        shape = _shape(parts.tensors[group[0].writes[0]])
        count = _count(group[0].weights)
        lines.append((name, shape, f"{count:,}" if count else ""))
    if len(lines) > _MAX_LINES:
        half = _MAX_LINES // 2
        left_out = len(lines) - 2 * half + 1
        more = (f"… {left_out} more …", "", "")
        lines = [*lines[:half], more, *lines[1 - half :]]
    return lines


def _chips(parts) -> list[_Chip]:
    made = {
        slot: (call.operation.name, len(call.writes), index)
        for call in parts.trunk.calls
        for index, slot in enumerate(call.writes)
    }
    chips = []
    for slot in parts.frontier:
        tensor = parts.tensors[slot]
        name, number, index = made.get(slot, (f"input {tensor.name}", 1, 0))
        name += f" [{index}]" if number > 1 else ""
        is_live = slot in parts.live
        readers = parts.readers(slot)
        chips.append(_Chip(name, _shape(tensor), is_live, readers))
    return chips


def _rows(parts, top, inner, row) -> dict:
    """The middle and the colour of each head."""
    first = top + (inner - row * len(parts.tasks)) / 2 + row / 2
    colours = paper.TASK_COLOURS
    return {
        name: (first + index * row, colours[index % len(colours)])
        for index, name in enumerate(parts.tasks)
    }


def _place(chips, rows, top, inner):
    """Puts each chip beside its readers, no two over each other."""
    for chip in chips:
        heights = [rows[name][0] for name in chip.readers]
        chip.y = sum(heights) / len(heights)
    chips.sort(key=lambda chip: chip.y)
    wanted = [chip.y for chip in chips]
    step = _CHIP + 10
    for before, chip in itertools.pairwise(chips):
        chip.y = max(chip.y, before.y + step)
    # All move up by the mean of what they had to move down.
    excess = sum(c.y - y for c, y in zip(chips, wanted, strict=True))
    for chip in chips:
        chip.y -= excess / len(chips)
    low, high = top + _CHIP / 2, top + inner - _CHIP / 2
    for index, chip in enumerate(chips):
        chip.y = max(chip.y, low + index * step)
    for index, chip in enumerate(reversed(chips)):
        chip.y = min(chip.y, high - index * step)


def _draw_header(axes, parts, title):
    own = [_count(head.weights) for head in parts.heads.values()]
    shared = _count(parts.trunk.weights)
    total = shared + sum(own)
    remark = f"{total:,} parameters"
    if total:
        remark += f", {100 * shared / total:.0f}% shared"
    right = _WIDTH - _MARGIN
    _write(axes, right, 26, remark, size=13, colour=paper.FAINT, ha="right")
    room = right - _MARGIN - paper.text_width(remark, 13) - 30
    if len(parts.live) < len(parts.frontier):
        right -= paper.text_width(remark, 13) + 24
        note = "no gradient flows back"
        _write(axes, right, 26, note, size=13, colour=paper.FAINT, ha="right")
        right -= paper.text_width(note, 13) + 10
        axes.plot(
            [right - 34, right],
            [26, 26],
            color=paper.FAINT,
            linewidth=2,
            linestyle=_DASHED,
        )
        room = right - 34 - _MARGIN - 30
    title = paper.shortened(title, room, 16, "bold")
    _write(axes, _MARGIN, 26, title, size=16, weight="bold")


def _write(
    axes, x, y, text, *, size, colour=paper.INK, weight="normal", ha="left"
):
    axes.text(
        x,
        y,
        text,
        size=size,
        color=colour,
        weight=weight,
        ha=ha,
        va="center_baseline",
    )


def _draw_box(axes, column, y, height, *, edge, face="white", style=_SOLID):
    from matplotlib.patches import FancyBboxPatch

    left, width = column
    axes.add_patch(
        FancyBboxPatch(
            (left, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=6",
            edgecolor=edge,
            facecolor=face,
            linewidth=1.8,
            linestyle=style,
        )
    )


def _draw_edges(axes, chips, rows, trunk, has_trunk):
    # Where the trunk is lower than the picture, its lines fan out.
    middle, height = trunk
    reach = height / 2 - 24
    for chip in chips:
        style = _SOLID if chip.is_live else _DASHED
        if has_trunk and not chip.name.startswith("input "):
            start = min(max(chip.y, middle - reach), middle + reach)
            _curve(
                axes,
                (sum(_TRUNK), start),
                (_FRONTIER[0], chip.y),
                color=paper.FAINT,
                linewidth=2,
                linestyle=style,
            )
        for name in chip.readers:
            y, colour = rows[name]
            _curve(
                axes,
                (sum(_FRONTIER), chip.y),
                (_HEADS[0], y),
                color=colour,
                linewidth=2,
                linestyle=style,
                alpha=0.9,
            )


def _curve(axes, start, end, *, color, **style):
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = (start[0] + end[0]) / 2
    corners = [start, (middle, start[1]), (middle, end[1]), end]
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    axes.add_patch(
        PathPatch(Path(corners, codes), fill=False, edgecolor=color, **style)
    )


def _draw_trunk(axes, parts, lines, place):
    middle, height = place
    is_empty = not parts.trunk.calls
    _draw_box(
        axes,
        _TRUNK,
        middle,
        height,
        edge=paper.FAINT,
        face="white" if is_empty else "#F6F6F6",
        style=_DASHED if is_empty else _SOLID,
    )
    left, right = _TRUNK[0] + 16, sum(_TRUNK) - 16
    top = middle - height / 2
    y = top + 24
    _write(axes, left, y, "trunk", size=15, weight="bold")
    total = f"{_count(parts.trunk.weights):,} parameters"
    _write(axes, right, y, total, size=13, colour=paper.FAINT, ha="right")
    y = top + _TITLE
    for name, shape, count in lines:
        y += _LINE_HEIGHT
        name = paper.shortened(name, 180, 12)
        shape = paper.shortened(shape, 100, 12)
        centre = y - _LINE_HEIGHT / 2
        _write(axes, left, centre, name, size=12)
        end = right - 72
        _write(
            axes, end, centre, shape, size=12, colour=paper.FAINT, ha="right"
        )
        _write(
            axes, right, centre, count, size=12, colour=paper.FAINT, ha="right"
        )


def _draw_chip(axes, chip):
    style = _SOLID if chip.is_live else _DASHED
    _draw_box(axes, _FRONTIER, chip.y, _CHIP, edge=paper.FAINT, style=style)
    middle = _FRONTIER[0] + _FRONTIER[1] / 2
    name = paper.shortened(chip.name, _FRONTIER[1] - 20, 13)
    _write(axes, middle, chip.y - 9, name, size=13, ha="center")
    _write(
        axes,
        middle,
        chip.y + 10,
        chip.shape,
        size=12,
        colour=paper.FAINT,
        ha="center",
    )


def _draw_head(axes, parts, name, place, colour):
    y, row = place
    gap = 8 if row > _SLIM else 4
    _draw_box(axes, _HEADS, y, row - gap, edge=colour)
    head = parts.heads[name]
    left, right = _HEADS[0] + 14, sum(_HEADS) - 14
    count = _count(head.weights)
    count = f"{count:,} parameters" if count else "no parameters"
    shape = _shape(parts.tensors[head.writes[0]])
    names = dict.fromkeys(call.operation.name for call in head.calls)
    names = ", ".join(names) or "is read by other heads too"
    above, below = (y - 9, y + 10) if row > _SLIM else (y, None)
    if below is None:
        count = f"{shape},  {count}"
    _write(axes, right, above, count, size=12, colour=paper.FAINT, ha="right")
    room = right - left - paper.text_width(count, 12) - 12
    shown = paper.shortened(name, room, 14, "bold")
    _write(axes, left, above, shown, size=14, colour=colour, weight="bold")
    if below is None:
        return
    _write(axes, right, below, shape, size=12, colour=paper.FAINT, ha="right")
    room = right - left - paper.text_width(shape, 12) - 12
    names = paper.shortened(names, room, 12)
    _write(axes, left, below, names, size=12)
