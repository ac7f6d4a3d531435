"""One image with a model's outputs drawn on it."""

import math
import pathlib

import numpy as np

from mtl_keras import checks
from mtl_keras.plots import annotations, marks, pixels
from mtl_keras.plots import figure as paper

# Below this the text on an image can hardly be read.
_READABLE_SIDE = 256


def draw(
    image, tasks, prediction: dict, path, enlarge: int | None = 1
) -> pathlib.Path:
    """Draws box, class and score on one image, at its own resolution.

    Args:
        image: Array of shape `(height, width)` or `(height, width, 1 or 3)`,
            uint8 or float from 0 to 1.
        tasks: List or dict of `Task`. Those of other kinds than
            classification, presence, box and detection are not drawn.
        prediction: Dict of task name to the output for this image, with or
            without a batch axis of 1: probabilities `(num_classes,)`,
            probability `(1,)`, box `(4,)` as `x1, y1, x2, y2` in fractions of
            the image. A box in the image's pixels, as an export returns it
            under `<task>_pixels`, is preferred to the fractions. Of a
            detection, `<task>_pixels` `(objects, 4)`, and `<task>_name`,
            `<task>_score` and `<task>_present` `(objects,)`, as
            `data.AnswerDecoder` returns them.
        path: String or path of the `.png` file to write; missing folders are
            made.
        enlarge: Integer, the side of the square that each pixel is drawn as;
            `None` for the least that makes the text on a small image readable.
            Defaults to 1.

    Returns:
        Path of the figure, `enlarge` times as large as the image.

    Raises:
        ValueError: If a shape is wrong, a task has no prediction, or the path
            is a folder or not a `.png`.
    """
    path = paper.checked_path(path)
    (image,) = pixels.to_rgb([image], "image")
    height, width = image.shape[:2]
    if enlarge is None:
        enlarge = math.ceil(_READABLE_SIDE / max(height, width))
    enlarge = checks.integer("enlarge", enlarge, low=1)
    everything = tasks.values() if isinstance(tasks, dict) else tasks
    detections = [t.name for t in everything if t.kind == "detection"]
    tasks = annotations.drawn_tasks(tasks)
    batch = _as_batch(prediction, tasks, height, width)
    batch = annotations.checked_predictions(batch, tasks, 1)
    annotation = annotations.annotate(tasks, batch, {}, 0)
    size = (enlarge * width, enlarge * height)
    with paper.new_figure(*size, layout="none") as figure:
        axes = paper.pixel_axes(figure)
        marks.draw_image(axes, image, (0, 0, *size))
        _draw_annotation(axes, annotation, size)
        for name in detections:
            objects = _objects(prediction, name, height, width)
            _draw_objects(axes, objects, size)
        return paper.save(figure, path)


def _as_batch(prediction, tasks, height, width):
    if not isinstance(prediction, dict):
        raise ValueError(
            "`prediction` must be a dict of task name to array. Received: "
            f"{type(prediction).__name__}"
        )
    batch = {}
    for task in tasks:
        in_pixels = prediction.get(f"{task.name}_pixels")
        if task.kind == "box" and in_pixels is not None:
            value = np.asarray(in_pixels) / (width, height, width, height)
        elif task.name in prediction:
            value = np.atleast_1d(prediction[task.name])
        else:
            continue
        batch[task.name] = np.atleast_2d(value)
    return batch


def _objects(prediction, name, height, width):
    """Lists the class, score and box of each object that is present."""
    fields = ("pixels", "name", "score", "present")
    for field in fields:
        if f"{name}_{field}" not in prediction:
            raise ValueError(
                f"Expected `prediction` to have {name + '_' + field!r}, as "
                "AnswerDecoder returns it for a detection. "
                f"Received: {sorted(prediction)}"
            )
    pixels, names, scores, present = (
        np.asarray(prediction[f"{name}_{field}"]) for field in fields
    )
    boxes = pixels / (width, height, width, height)
    return [
        (names[each].decode(), float(scores[each]), boxes[each])
        for each in np.flatnonzero(present)
    ]


def _draw_objects(axes, objects, size):
    font, line = _sizes(size)
    classes = sorted({name for name, _, _ in objects})
    # The best are drawn last, over the others.
    for name, score, box in reversed(objects):
        colour = marks.class_colour(classes.index(name))
        extent = (0, 0, *size)
        marks.draw_box(axes, box, extent, colour, is_true=False, width=line)
        text = f"{name} {score:.2f}"
        marks.draw_tag(axes, text, extent, box, colour, 0.8 * font, line)


def _sizes(size):
    """Returns the sizes of text and lines, in pixels."""
    # They grow with the image, within limits.
    font = min(max(min(size) / 22, 12), 40)
    return font, min(max(round(min(size) / 100), 1), 8)


def _draw_annotation(axes, annotation, size):
    font, line = _sizes(size)
    extent = (0, 0, *size)
    colour = marks.box_colour(None)
    boxes = [box for box in annotation.boxes if box.predicted is not None]
    for box in boxes:
        marks.draw_box(
            axes, box.predicted, extent, colour, is_true=False, width=line
        )
    text = "   ".join(
        f"{remark.text} {remark.number}".strip()
        for remark in annotation.remarks
    )
    tags = [(box.task, box.predicted, colour) for box in boxes]
    if len(boxes) == 1:
        # A single box holds the object that the text is about.
        tags = [(text or boxes[0].task, boxes[0].predicted, colour)]
    elif text:
        tags.append((text, None, paper.INK))
    for text, box, ground in tags:
        marks.draw_tag(axes, text, extent, box, ground, font, line)
