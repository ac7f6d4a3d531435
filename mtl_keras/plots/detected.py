"""Detected objects of images, compared with the true ones."""

import numpy as np

from mtl_keras.plots import annotations, pixels

# The focal loss keeps probabilities low.
_THRESHOLD = 0.3
_IOU_DETECTED = 0.5


class Detections:
    """The objects that a task of kind `"detection"` predicts for images.

    Args:
        task: `Task`.
        maps: Array of shape `(num_images, rows, columns, num_classes + 4)`,
            the task's output.
        labels: Array of shape `(num_images, objects, 5)`, or `None`.
        sizes: As for `image_grid.predictions`.
        canvas: Pair of integers, the height and width of the images.

    Raises:
        ValueError: If the numbers of images differ.
    """

    def __init__(self, task, maps, labels, sizes, canvas):
        from mtl_keras.data import detections

        self._task = task
        decoded = detections.decode(np.asarray(maps, np.float32))
        self._objects = {key: np.asarray(part) for key, part in decoded.items()}
        self._labels = labels
        if labels is not None and len(labels) != len(maps):
            raise ValueError(
                f"`labels[{task.name!r}]` must be of {len(maps)} images. "
                f"Received: {len(labels)}"
            )
        self._sizes, self._canvas = sizes, canvas

    def add_to(self, annotation, index: int):
        """Adds the objects of an image to what is drawn of it.

        Args:
            annotation: `annotations.Annotation`.
            index: Integer, which image.

        Returns:
            `annotations.Annotation`. An object is right if a true one of its
            class, which no better one has taken, overlaps by 0.5.
        """
        true, is_known = self._true(index)
        boxes, names = [], []
        scores = self._objects["scores"][index]
        for number in np.flatnonzero(scores >= _THRESHOLD):
            name = self._name(self._objects["classes"][index, number])
            box = self._placed(self._objects["boxes"][index, number], index)
            match = _match(box, name, true)
            label = None if match is None else true.pop(match)[1]
            is_right = label is not None if is_known else None
            tag = f"{name} {scores[number]:.2f}"
            boxes.append(annotations.Box(tag, box, label, is_right))
            names.append(name)
        is_right = None
        if is_known:
            is_right = not true and all(box.is_right for box in boxes)
        boxes += [annotations.Box(name, None, box, None) for name, box in true]
        counted = [f"{names.count(n)} {n}" for n in dict.fromkeys(names)]
        text = ", ".join(counted) or "none"
        remark = annotations.Remark(
            text, is_right=is_right, is_main=True, starts_line=True
        )
        return annotations.Annotation(
            [*annotation.remarks, remark], [*annotation.boxes, *boxes]
        )

    def _name(self, number):
        names = self._task.class_names
        return names[int(number)] if names else str(int(number))

    def _true(self, index):
        """Lists the true objects, and tells whether they are known."""
        if self._labels is None:
            return [], False
        rows = np.asarray(self._labels[index], np.float64)
        if np.isnan(rows).any():
            return [], False
        return [
            (self._name(row[4]), self._placed(row[:4], index))
            for row in rows
            if row[4] >= 0
        ], True

    def _placed(self, box, index):
        """Converts a box to fractions of the image without its padding."""
        if self._sizes is None:
            return box
        height, width = self._canvas
        top, left, rows, columns = pixels.letterboxed(
            self._sizes[index], height, width
        )
        offset = np.array([left, top] * 2)
        scale = np.array([width, height] * 2) / ([columns, rows] * 2)
        return (box - offset / ([width, height] * 2)) * scale


def _match(box, name, true):
    """Finds the true object of a class that overlaps most, 0.5 at least."""
    overlaps = [
        annotations.overlap(box, other) if name == label else 0.0
        for label, other in true
    ]
    best = int(np.argmax(overlaps)) if overlaps else 0
    return best if overlaps and overlaps[best] >= _IOU_DETECTED else None
