"""Draws examples of a folder with their labels."""

import collections
import math
from pathlib import Path

from mtl_keras.plots import figure as paper
from zoo.datasets.folders import image_files, masks
from zoo.datasets.folders.records import Example

_COLUMNS = 6
_SIDE, _GAP, _MARGIN = 184, 12, 12
_LINE, _FONT = 18, 13
_WIDTH = 1200
_BOX = "#D55E00"


def draw(inspection, path: Path) -> Path:
    """Draws an inspection's examples: images in a grid, the others as text.

    Args:
        inspection: `zoo.datasets.folders.inspection.Inspection`.
        path: Path of the `.png` file to write.

    Returns:
        The path.
    """
    path = paper.checked_path(path)
    source = inspection.source
    if source.inputs == "image":
        return _draw_images(source, inspection.drawn, path)
    return _draw_lines(source, inspection.drawn, path)


def caption(example: Example, kinds: dict) -> list[str]:
    """Writes an example's labels, a line a task; boxes are drawn instead.

    Args:
        example: `Example`.
        kinds: Dict of task name to kind.

    Returns:
        List of strings.
    """
    lines = []
    for task, kind in kinds.items():
        label = example.labels[task]
        if label is None:
            lines.append(f"{task}: missing")
        elif kind == "presence":
            lines.append(f"{task}: {'yes' if label else 'no'}")
        elif kind == "survival":
            event = "event" if label[1] else "censored"
            lines.append(f"{task}: {label[0]:g}, {event}")
        elif kind == "tagging":
            lines.append(f"{task}: {_spans(example.inputs['tokens'], label)}")
        elif kind == "count":
            numbers = collections.Counter(label)
            text = ", ".join(f"{n} {name}" for name, n in numbers.items())
            lines.append(f"{task}: {text or 'none'}")
        elif kind not in ("box", "depth", "detection", "mask", "normals"):
            lines.append(f"{task}: {label}")
    return lines


def _draw_images(source, examples, path):
    captions = [caption(example, source.kinds) for example in examples]
    step = _SIDE + max(map(len, captions)) * _LINE + 2 * _GAP
    num_rows = math.ceil(len(examples) / _COLUMNS)
    width = 2 * _MARGIN + _COLUMNS * (_SIDE + _GAP) - _GAP
    with paper.new_figure(
        width, 2 * _MARGIN + num_rows * step, layout="none"
    ) as figure:
        axes = paper.pixel_axes(figure)
        for index, example in enumerate(examples):
            row, column = divmod(index, _COLUMNS)
            left = _MARGIN + column * (_SIDE + _GAP)
            top = _MARGIN + row * step
            _draw_image(axes, source, example, left, top)
            for number, line in enumerate(captions[index]):
                axes.text(
                    left,
                    top + _SIDE + _GAP / 2 + (number + 0.5) * _LINE,
                    paper.shortened(line, _SIDE, _FONT),
                    size=_FONT,
                    va="center_baseline",
                )
        return paper.save(figure, path)


def _draw_image(axes, source, example, left, top):
    pixels = image_files.pixels(source.listing.path(example.inputs["image"]))
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    left += (_SIDE - width * scale) / 2
    top += _SIDE - height * scale
    right, bottom = left + width * scale, top + height * scale
    axes.imshow(
        pixels,
        extent=(left, right, bottom, top),
        aspect="auto",
        interpolation="antialiased",
    )
    for task, kind in source.kinds.items():
        if example.labels[task] is None:
            continue
        if kind == "box":
            _draw_box(axes, example.labels[task], left, top, right, bottom)
        elif kind == "detection":
            for thing in example.labels[task]:
                _draw_box(axes, thing.box, left, top, right, bottom)
        elif kind == "mask":
            extent = (left, right, bottom, top)
            _draw_mask(axes, source.mask(example, task), extent)


def _draw_mask(axes, numbers, extent):
    """Colours the pixels of each class but the first, half transparent."""
    import matplotlib

    colours = matplotlib.colormaps["tab10"](numbers % 10, alpha=0.5)
    colours[(numbers == 0) | (numbers == masks.MISSING), 3] = 0
    axes.imshow(colours, extent=extent, aspect="auto", interpolation="nearest")


def _draw_box(axes, box, left, top, right, bottom):
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = box
    x, y = left + x1 * (right - left), top + y1 * (bottom - top)
    size = (x2 - x1) * (right - left), (y2 - y1) * (bottom - top)
    # The dark ground keeps the line visible on an image of its own colour.
    for colour, width in (("#000000", 4), (_BOX, 2)):
        axes.add_patch(
            Rectangle((x, y), *size, fill=False, ec=colour, linewidth=width)
        )


def _draw_lines(source, examples, path):
    blocks = [
        [_headline(source, example), *caption(example, source.kinds)]
        for example in examples
    ]
    num_lines = sum(map(len, blocks))
    height = 2 * _MARGIN + num_lines * _LINE + len(blocks) * _GAP
    with paper.new_figure(_WIDTH, height, layout="none") as figure:
        axes = paper.pixel_axes(figure)
        top = _MARGIN
        for block in blocks:
            for number, line in enumerate(block):
                weight = "normal" if number else "bold"
                room = _WIDTH - 2 * _MARGIN - 2 * _GAP
                axes.text(
                    _MARGIN + bool(number) * 2 * _GAP,
                    top + _LINE / 2,
                    paper.shortened(line, room, _FONT, weight),
                    size=_FONT,
                    weight=weight,
                    va="center_baseline",
                )
                top += _LINE
            top += _GAP
        return paper.save(figure, path)


def _headline(source, example):
    if source.inputs == "text":
        return " ".join(example.inputs["tokens"])
    if source.inputs == "audio":
        return example.inputs["audio"]
    return ", ".join(
        f"{name} {'?' if value is None else value}"
        for name, value in example.inputs.items()
    )


def _spans(tokens, tags):
    """Writes the spans of a sentence: `city = new york`."""
    spans = []
    for token, tag in zip(tokens, tags, strict=True):
        if tag.startswith("I-") and spans:
            spans[-1][1].append(token)
        elif tag != "O":
            name = tag[2:] if tag.startswith("B-") else tag
            spans.append((name, [token]))
    return "; ".join(f"{name} = {' '.join(words)}" for name, words in spans)
