"""A model's trunk, its frontier and its heads."""

import dataclasses
import itertools
import math
import pathlib

from mtl_keras.plots import figure as paper

_MARGIN = 20
_TOP, _TITLE = 60, 46
_LINE_HEIGHT = 19
# Left edge and width of each column, in pixels.
_TRUNK = (20, 380)
_FRONTIER = (452, 240)
_HEADS = (820, 400)
_WIDTH = 1240
_BOX, _STEP = 44, 54
# Heads in rows of this height have one line of text instead of two.
_SLIM = 32
_MAX_LINES = 18
_SOLID, _DASHED = "-", (0, (3, 2.5))


@dataclasses.dataclass
class _Tensor:
    """A frontier tensor; `y` is the middle of its box."""

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
        title: String above the diagram. Defaults to the model's name.

    Returns:
        Path of the figure, 1240 pixels wide and as high as needed.

    Raises:
        ValueError: If the model is not functional, its outputs are not a flat
            dict, or the path is a folder or not a `.png`.
    """
    path = paper.checked_path(path)
    # Here, since it imports Keras: the other plots do not need it.
    from mtl_keras import graph

    parts = graph.partition(model)
    lines = _trunk_lines(parts)
    num_tasks = len(parts.tasks)
    row = 64 if num_tasks <= 8 else 56 if num_tasks <= 16 else _SLIM
    tensors = _frontier(parts)
    trunk_height = _TITLE + _LINE_HEIGHT * len(lines) + 14
    inner = max(trunk_height, row * num_tasks, _STEP * len(tensors))
    middle = _TOP + inner / 2
    rows = {
        name: middle + row * (index - (num_tasks - 1) / 2)
        for index, name in enumerate(parts.tasks)
    }
    _place(tensors, rows, _TOP, inner)
    size = (_WIDTH, math.ceil(_TOP + inner + _MARGIN))
    with paper.new_figure(*size, layout="none") as figure:
        axes = paper.pixel_axes(figure)
        _draw_header(axes, parts, title or model.name)
        _draw_trunk(axes, parts, lines, middle, trunk_height)
        # Where the trunk is lower than the frontier, its edges fan out.
        reach = trunk_height / 2 - 24
        for tensor in tensors:
            style = _SOLID if tensor.is_live else _DASHED
            if not tensor.name.startswith("input "):
                start = min(max(tensor.y, middle - reach), middle + reach)
                ends = (sum(_TRUNK), start), (_FRONTIER[0], tensor.y)
                _draw_edge(axes, *ends, paper.FAINT, style)
            _draw_tensor(axes, tensor, style)
        for index, (name, y) in enumerate(rows.items()):
            colour = paper.TASK_COLOURS[index % len(paper.TASK_COLOURS)]
            for tensor in tensors:
                if name in tensor.readers:
                    style = _SOLID if tensor.is_live else _DASHED
                    ends = (sum(_FRONTIER), tensor.y), (_HEADS[0], y)
                    _draw_edge(axes, *ends, colour, style)
            _draw_head(axes, parts, name, y, row, colour)
        return paper.save(figure, path)


def _count(weights) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _shape(tensor) -> str:
    sides = ["?" if side is None else str(side) for side in tensor.shape[1:]]
    return " × ".join(sides) or "scalar"


def _trunk_lines(parts) -> list[tuple[str, str, str]]:
    """Lists name, shape and parameters of each layer of the trunk, in order."""
    calls = {}
    for call in parts.trunk.calls:
        calls.setdefault(id(call.operation), []).append(call)
    if not calls:
        return [("nothing is shared", "", "")]
    lines = [
        (f"input {parts.tensors[slot].name}", _shape(parts.tensors[slot]), "")
        for slot in parts.trunk.reads
        if any(slot in call.reads for call in parts.trunk.calls)
    ]
    for group in calls.values():
        name = group[0].operation.name
        name += f" ({len(group)}×)" if len(group) > 1 else ""
        shape = _shape(parts.tensors[group[0].writes[0]])
        count = _count(group[0].weights)
        lines.append((name, shape, f"{count:,}" if count else ""))
    if len(lines) > _MAX_LINES:
        half = _MAX_LINES // 2
        more = (f"… {len(lines) - 2 * half + 1} more …", "", "")
        lines = [*lines[:half], more, *lines[1 - half :]]
    return lines


def _frontier(parts) -> list[_Tensor]:
    outputs = {
        slot: (call.operation.name, len(call.writes), index)
        for call in parts.trunk.calls
        for index, slot in enumerate(call.writes)
    }
    tensors = []
    for slot in parts.frontier:
        tensor = parts.tensors[slot]
        default = (f"input {tensor.name}", 1, 0)
        name, number, index = outputs.get(slot, default)
        name += f" [{index}]" if number > 1 else ""
        readers = parts.readers(slot)
        is_live = slot in parts.live
        tensors.append(_Tensor(name, _shape(tensor), is_live, readers))
    return tensors


def _place(tensors, rows, top, inner):
    """Puts each tensor's box beside its readers, without overlaps."""
    for tensor in tensors:
        heights = [rows[name] for name in tensor.readers]
        tensor.y = sum(heights) / len(heights)
    tensors.sort(key=lambda tensor: tensor.y)
    wanted = [tensor.y for tensor in tensors]
    for before, tensor in itertools.pairwise(tensors):
        tensor.y = max(tensor.y, before.y + _STEP)
    # All move up by the mean of what they had to move down.
    excess = sum(tensor.y for tensor in tensors) - sum(wanted)
    low, high = top + _BOX / 2, top + inner - _BOX / 2
    for index, tensor in enumerate(tensors):
        tensor.y = max(tensor.y - excess / len(tensors), low + index * _STEP)
    for index, tensor in enumerate(reversed(tensors)):
        tensor.y = min(tensor.y, high - index * _STEP)


def _draw_header(axes, parts, title):
    total = _count([w for part in parts.heads.values() for w in part.weights])
    shared = _count(parts.trunk.weights)
    total += shared
    remark = f"{total:,} parameters"
    if total:
        remark += f", {100 * shared / total:.0f}% shared"
    right = _WIDTH - _MARGIN
    _write(axes, right, 26, remark, 13, paper.FAINT, ha="right")
    right -= paper.text_width(remark, 13) + 24
    if len(parts.live) < len(parts.frontier):
        note = "no gradient flows back"
        _write(axes, right, 26, note, 13, paper.FAINT, ha="right")
        right -= paper.text_width(note, 13) + 10
        style = {"color": paper.FAINT, "linestyle": _DASHED, "linewidth": 2}
        axes.plot([right - 34, right], [26, 26], **style)
        right -= 64
    title = paper.shortened(title, right - _MARGIN, 16, "bold")
    _write(axes, _MARGIN, 26, title, 16, weight="bold")


def _write(axes, x, y, text, size, colour=paper.INK, **style):
    look = {"size": size, "color": colour, "va": "center_baseline", **style}
    axes.text(x, y, text, **look)


def _write_pair(axes, column, y, left, right, size, colour, weight, padding):
    """Writes a text at the right of a box and, in the rest, one at the left."""
    start, end = column[0] + padding, sum(column) - padding
    _write(axes, end, y, right, 12, paper.FAINT, ha="right")
    room = end - start - paper.text_width(right, 12) - 12
    left = paper.shortened(left, room, size, weight)
    _write(axes, start, y, left, size, colour, weight=weight)


def _draw_box(axes, column, y, height, edge, style=_SOLID, face="white"):
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


def _draw_edge(axes, start, end, colour, style):
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = (start[0] + end[0]) / 2
    corners = [start, (middle, start[1]), (middle, end[1]), end]
    path = Path(corners, [Path.MOVETO, *[Path.CURVE4] * 3])
    look = {"edgecolor": colour, "linewidth": 2, "linestyle": style}
    # Below the boxes.
    axes.add_patch(PathPatch(path, fill=False, zorder=0.5, **look))


def _draw_trunk(axes, parts, lines, middle, height):
    is_empty = not parts.trunk.calls
    style, face = (_DASHED, "white") if is_empty else (_SOLID, "#F6F6F6")
    _draw_box(axes, _TRUNK, middle, height, paper.FAINT, style, face)
    top = middle - height / 2
    left, right = _TRUNK[0] + 16, sum(_TRUNK) - 16
    total = f"{_count(parts.trunk.weights):,} parameters"
    _write_pair(
        axes, _TRUNK, top + 24, "trunk", total, 15, paper.INK, "bold", 16
    )
    for index, (name, shape, count) in enumerate(lines):
        y = top + _TITLE + _LINE_HEIGHT * (index + 0.5)
        shape = paper.shortened(shape, 100, 12)
        _write(axes, left, y, paper.shortened(name, 180, 12), 12)
        _write(axes, right - 72, y, shape, 12, paper.FAINT, ha="right")
        _write(axes, right, y, count, 12, paper.FAINT, ha="right")


def _draw_tensor(axes, tensor, style):
    _draw_box(axes, _FRONTIER, tensor.y, _BOX, paper.FAINT, style)
    middle = _FRONTIER[0] + _FRONTIER[1] / 2
    name = paper.shortened(tensor.name, _FRONTIER[1] - 20, 13)
    _write(axes, middle, tensor.y - 9, name, 13, ha="center")
    shape = paper.shortened(tensor.shape, _FRONTIER[1] - 20, 12)
    _write(axes, middle, tensor.y + 10, shape, 12, paper.FAINT, ha="center")


def _draw_head(axes, parts, name, y, row, colour):
    is_slim = row <= _SLIM
    _draw_box(axes, _HEADS, y, row - (4 if is_slim else 8), colour)
    head = parts.heads[name]
    shape = _shape(parts.tensors[head.writes[0]])
    count = f"{_count(head.weights):,} parameters"
    above = y if is_slim else y - 9
    remark = f"{shape},  {count}" if is_slim else count
    _write_pair(axes, _HEADS, above, name, remark, 14, colour, "bold", 14)
    if not is_slim:
        names = dict.fromkeys(call.operation.name for call in head.calls)
        names = ", ".join(names) or "is read by other heads too"
        _write_pair(
            axes, _HEADS, y + 10, names, shape, 12, paper.INK, "normal", 14
        )
