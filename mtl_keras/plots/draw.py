"""One picture with what a model answers about it."""

import math
import pathlib

import numpy as np

from mtl_keras.plots import answers, marks, pixels
from mtl_keras.plots import figure as paper

# Below this the text on a picture can hardly be read.
_READABLE_SIDE = 256


def draw(
    image, tasks, prediction: dict, path, enlarge: int | None = 1
) -> pathlib.Path:
    """Draws box, class and score on one picture, at its own resolution.

    Args:
        image: Array of shape `(height, width)` or `(height, width, 1 or 3)`,
            uint8 or float from 0 to 1.
        tasks: List or dict of `Task`. Those of other kinds than
            classification, presence and box are not drawn.
        prediction: Dict of task name to the answer for this picture, with or
            without a batch axis of 1: probabilities `(num_classes,)`,
            probability `(1,)`, box `(4,)` as `x1, y1, x2, y2` in shares of
            the picture. A box in the picture's pixels, as an export gives it
            under `<task>_pixels`, is preferred to the shares.
        path: String or path of the `.png` file to write; missing folders are
            made.
        enlarge: Integer, each pixel is drawn as a square of so many; `None`
            for the smallest number that makes the text on a small picture
            readable. Defaults to 1.

    Returns:
        Path of the picture, `enlarge` times as large as the image.

    Raises:
        ValueError: If a shape is wrong, a task has no prediction, or the path
            is a folder or no `.png`.
    """
    path = paper.checked_path(path)
    (image,) = pixels.to_rgb([image], "image")
    height, width = image.shape[:2]
    if enlarge is None:
        enlarge = math.ceil(_READABLE_SIDE / max(height, width))
    if isinstance(enlarge, bool) or int(enlarge) != enlarge or enlarge < 1:
        raise ValueError(
            "`enlarge` must be an integer of at least 1, or None. Received: "
            f"enlarge={enlarge!r}"
        )
    tasks = answers.drawn_tasks(tasks)
    batch = _as_batch(prediction, tasks, height, width)
    batch = answers.checked_predictions(batch, tasks, 1)
    answer = answers.read(tasks, batch, {}, 0)
    size = (int(enlarge) * width, int(enlarge) * height)
    with paper.new_figure(*size) as figure:
        axes = paper.pixel_axes(figure)
        axes.imshow(
            image,
            extent=(0, size[0], size[1], 0),
            interpolation="nearest",
            aspect="auto",
        )
        _draw_answer(axes, answer, size)
        return paper.save(figure, path)


def _as_batch(prediction, tasks, height, width):
    if not isinstance(prediction, dict):
        raise ValueError(
            "`prediction` must be a dict of task name to array. Received: "
            f"{type(prediction).__name__}"
        )
    batch = {}
    for task in tasks:
        key = f"{task.name}_pixels"
        if task.kind == "box" and key in prediction:
            box = np.asarray(prediction[key], dtype=np.float64)
            value = box / (width, height, width, height)
        elif task.name in prediction:
            value = np.asarray(prediction[task.name])
        else:
            continue
        batch[task.name] = value if value.ndim == 2 else value[None]
        if value.ndim == 0:
            batch[task.name] = value[None, None]
    return batch


def _draw_answer(axes, answer, size):
    # Lines and text grow with the picture, between readable and calm.
    font = min(max(min(size) / 22, 12), 40)
    line = min(max(round(min(size) / 100), 1), 8)
    extent = (0, 0, *size)
    colour = marks.box_colour(None)
    boxes = [box for box in answer.boxes if box.predicted is not None]
    for box in boxes:
        marks.draw_box(
            axes, box.predicted, extent, colour, is_true=False, width=line
        )
    text = "   ".join(
        f"{remark.text} {remark.number}".strip() for remark in answer.remarks
    )
    tags = [(box.task, box.predicted, colour) for box in boxes]
    if len(boxes) == 1:
        # A box alone holds what the answer is about.
        tags = [(text or boxes[0].task, boxes[0].predicted, colour)]
    elif text:
        tags.append((text, None, paper.INK))
    for text, box, ground in tags:
        marks.draw_tag(axes, text, extent, box, ground, font, line)
