"""A grid of images with a model's outputs and the labels."""

import dataclasses
import math
import pathlib

import numpy as np

from mtl_keras import checks
from mtl_keras.plots import annotations, detected, marks, pixels
from mtl_keras.plots import figure as paper

_WIDTH = 1200
_MARGIN, _GAP = 4, 8
_SIDES = (96, 384)
_HEADER = 36
_LINE_HEIGHT, _FONT_SIZE = 19, 14
_BETWEEN_REMARKS = 10
_LINE, _TRUE_LINE = 3, 1.6


@dataclasses.dataclass
class _Cell:
    image: np.ndarray
    width: int
    height: int
    annotation: annotations.Annotation
    lines: list


def predictions(
    images,
    tasks,
    predictions: dict,
    path,
    labels: dict | None = None,
    max_images: int = 24,
    columns: int = 6,
    sizes=None,
) -> pathlib.Path:
    """Draws images with the true and the predicted boxes, classes and scores.

    The predicted box is solid: green if its class is right, red-orange if
    not, blue where no label is known. Without a class, a box is right from an
    IoU of 0.5. The true box is dashed in white. Below an image stand the class
    and its probability, the label where it differs, the presence's
    probability, and the IoU; ticks and crosses mark what is right and wrong,
    and an image with an error has a red-orange frame. Where the only presence
    task predicts absence, the class is "none" and no box is drawn.

    Args:
        images: Array of shape `(num_images, height, width, 1 or 3)`, uint8 or
            float from 0 to 1, or a list of images of different sizes. Floats
            beyond [0, 1] are stretched to it.
        tasks: List or dict of `Task`. Those of other kinds than
            classification, presence, box and detection are not drawn.
        predictions: Dict of task name to array: classification
            `(num_images, num_classes)` probabilities, presence
            `(num_images, 1)` probability, box `(num_images, 4)` as
            `x1, y1, x2, y2` in fractions of the image, detection the maps
            of its head.
        path: String or path of the `.png` file to write; missing folders are
            made.
        labels: Dict of task name to array, -1 or NaN where a label is
            missing; tasks may be left out. Defaults to no labels.
        max_images: Integer, how many images are drawn, from the first.
        columns: Integer, images in a row.
        sizes: Integer array of shape `(num_images, 2)`, the height and width
            of the originals where the images were letterboxed: the padding is
            then cut away. Defaults to whole images.

    Returns:
        Path of the figure, about 1200 pixels wide with full rows.

    Raises:
        ValueError: If a shape is wrong, the lengths disagree, a task has no
            prediction, or the path is a folder or not a `.png`.
    """
    path = paper.checked_path(path)
    checks.integer("max_images", max_images, low=1)
    checks.integer("columns", columns, low=1)
    _check_images(images)
    maps = _detections(images, tasks, predictions, labels, sizes)
    tasks = annotations.drawn_tasks(tasks)
    predicted = annotations.checked_predictions(predictions, tasks, len(images))
    true = annotations.checked_labels(labels, tasks, len(images))
    images = pixels.to_rgb(images[:max_images])
    if sizes is not None:
        images = _without_padding(images, sizes, predicted, true, tasks)
    shown = []
    for index in range(len(images)):
        annotation = annotations.annotate(tasks, predicted, true, index)
        for objects in maps:
            annotation = objects.add_to(annotation, index)
        shown.append(annotation)
    cells = _cells(images, shown, columns)
    columns = min(columns, len(cells))
    width = max(cell.width for cell in cells)
    height = max(cell.height for cell in cells)
    caption = max(len(cell.lines) for cell in cells) * _LINE_HEIGHT
    step = (width + _GAP, height + caption + 2 * _GAP)
    key = _key([box for cell in cells for box in cell.annotation.boxes])
    header = _HEADER if key else _MARGIN
    key_width = sum(60 + paper.text_width(text, _FONT_SIZE) for _, text in key)
    size = (
        max(2 * _MARGIN + columns * step[0] - _GAP, math.ceil(key_width)),
        header + math.ceil(len(cells) / columns) * step[1],
    )
    with paper.new_figure(*size, layout="none") as figure:
        axes = paper.pixel_axes(figure)
        _draw_key(axes, key)
        for index, cell in enumerate(cells):
            row, column = divmod(index, columns)
            left = _MARGIN + column * step[0]
            bottom = header + row * step[1] + height
            _draw_cell(axes, cell, left, bottom)
            for number, line in enumerate(cell.lines, start=1):
                for offset, text, look in line:
                    baseline = bottom + number * _LINE_HEIGHT
                    axes.text(left + offset, baseline, text, **look)
        return paper.save(figure, path)


def _detections(images, tasks, predictions, labels, sizes):
    """Makes the objects of each detection task."""
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    return [
        detected.Detections(
            task,
            predictions[task.name],
            (labels or {}).get(task.name),
            sizes,
            np.shape(images[0])[:2],
        )
        for task in tasks
        if task.kind == "detection"
    ]


def _check_images(images):
    if not isinstance(images, list | tuple) and np.ndim(images) not in (3, 4):
        raise ValueError(
            "`images` must be an array of shape (num_images, height, width, "
            "1 or 3), or a list of images. Received: shape "
            f"{np.shape(images)}"
        )
    if not len(images):
        raise ValueError("`images` must not be empty. Received: none")


def _without_padding(images, sizes, predicted, true, tasks):
    sizes = np.asarray(sizes)
    first = next(iter(predicted.values()), sizes)
    if sizes.shape != (len(first), 2) or sizes.min() < 1:
        raise ValueError(
            f"`sizes` must have the shape {(len(first), 2)}, the height and "
            f"width of each original. Received: shape {sizes.shape}"
        )
    cut = []
    for index, image in enumerate(images):
        canvas = np.array(image.shape[:2])
        place = pixels.letterboxed(sizes[index], *canvas)
        offset, extent = np.array(place[:2]), np.array(place[2:])
        (top, left), (bottom, right) = offset, offset + extent
        cut.append(image[top:bottom, left:right])
        for task in tasks:
            for boxes in (predicted, true):
                if task.kind == "box" and task.name in boxes:
                    # Height and width become x, y, x, y.
                    to_xyxy = [1, 0, 1, 0]
                    box = boxes[task.name][index] * canvas[to_xyxy]
                    box = (box - offset[to_xyxy]) / extent[to_xyxy]
                    boxes[task.name][index] = box
    return cut


def _cells(images, shown, columns):
    side = (_WIDTH - 2 * _MARGIN - (columns - 1) * _GAP) // columns
    side = min(max(side, _SIDES[0]), _SIDES[1])
    shapes = [_drawn_shape(image.shape[:2], side) for image in images]
    # Text under a row of thin images may use the whole cell.
    room = max(width for _, width in shapes)
    return [
        _Cell(image, width, height, annotation, _flow(annotation.remarks, room))
        for image, (height, width), annotation in zip(
            images, shapes, shown, strict=True
        )
    ]


def _drawn_shape(shape, side):
    scale = side / max(shape)
    # A whole multiple keeps all pixels of a small image equally large.
    if scale >= 1 and math.floor(scale) >= 0.85 * scale:
        scale = math.floor(scale)
    return tuple(max(1, round(scale * extent)) for extent in shape)


def _flow(remarks, room):
    """Breaks remarks into lines of (offset, text, style)."""
    lines, used = [], 0.0
    for remark in remarks:
        sign, colour, weight = marks.style_of(remark)
        number = f" {remark.number}" if remark.number else ""
        around = paper.text_width(sign + number, _FONT_SIZE, weight)
        text = paper.shortened(remark.text, room - around, _FONT_SIZE, weight)
        text = sign + text + number
        width = paper.text_width(text, _FONT_SIZE, weight)
        if not lines or remark.starts_line or used + width > room:
            lines.append([])
            used = 0.0
        look = {"size": _FONT_SIZE, "color": colour, "weight": weight}
        lines[-1].append((used, text, look))
        used += width + _BETWEEN_REMARKS
    return lines


def _draw_cell(axes, cell, left, bottom):
    extent = (left, bottom - cell.height, left + cell.width, bottom)
    marks.draw_image(axes, cell.image, extent)
    boxes = cell.annotation.boxes
    for box in boxes:
        colour = marks.box_colour(box.is_right)
        if box.predicted is not None:
            _draw_box(axes, box.predicted, extent, colour)
        if box.true is not None:
            _draw_box(axes, box.true, extent, marks.TRUE_COLOUR)
        # Several boxes are told apart by their tasks' names.
        if box.predicted is not None and len(boxes) > 1:
            marks.draw_tag(
                axes, box.task, extent, box.predicted, colour, 11, _LINE
            )
    if cell.annotation.is_right is False:
        _draw_frame(axes, extent, marks.box_colour(False), 3)
    else:
        # A white image would have no edge on the white background.
        _draw_frame(axes, extent, paper.RULE, 1)


def _draw_box(axes, box, extent, colour):
    is_true = colour == marks.TRUE_COLOUR
    width = _TRUE_LINE if is_true else _LINE
    marks.draw_box(axes, box, extent, colour, is_true=is_true, width=width)


def _draw_frame(axes, extent, colour, width):
    from matplotlib.patches import Rectangle

    left, top, right, bottom = extent
    corner = (left - width / 2, top - width / 2)
    size = (right - left + width, bottom - top + width)
    # On whole pixels already; snapping would move it into the image.
    look = {"fill": False, "joinstyle": "miter", "snap": False}
    axes.add_patch(
        Rectangle(corner, *size, edgecolor=colour, linewidth=width, **look)
    )


def _key(boxes):
    verdicts = {box.is_right for box in boxes if box.predicted is not None}
    names = {True: "predicted, right", False: "predicted, wrong"}
    # Where some labels are known, a blue box is the exception.
    names[None] = "predicted" if verdicts == {None} else "label unknown"
    key = [
        (marks.box_colour(verdict), name)
        for verdict, name in names.items()
        if verdict in verdicts
    ]
    if any(box.true is not None for box in boxes):
        key.append((marks.TRUE_COLOUR, "true"))
    return key


def _draw_key(axes, key):
    left = _MARGIN
    for colour, text in key:
        extent = (left, 10, left + 24, 24)
        _draw_box(axes, (0.1, 0.1, 0.9, 0.9), extent, colour)
        axes.text(left + 30, 17, text, size=_FONT_SIZE, va="center_baseline")
        left += 60 + paper.text_width(text, _FONT_SIZE)
