"""An image with the classes of its pixels as half transparent colours."""

import numpy as np

from mtl_keras.plots import figure as paper
from mtl_keras.plots import pixels

_ALPHA = 0.45
# White: on a bright image the tint alone is hard to see.
_OUTLINE = np.array([255, 255, 255], np.uint8)


def tinted(image, classes) -> np.ndarray:
    """Colours the pixels of each class but the first, and outlines them.

    Args:
        image: Array of shape `(height, width)` or `(height, width, 1 or 3)`,
            uint8 or float from 0 to 1.
        classes: Integer array of shape `(height, width)`, class numbers.
            Class 0, the background, and numbers of 255 or below 0, pixels of
            no class, are left as they are.

    Returns:
        uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: If the shapes differ.
    """
    (image,) = pixels.to_rgb([image], "image")
    classes = np.asarray(classes).astype(np.int32)
    if classes.shape != image.shape[:2]:
        raise ValueError(
            "`classes` must have the image's height and width, "
            f"{image.shape[:2]}. Received: shape {classes.shape}"
        )
    classes = np.where((classes < 0) | (classes == 255), 0, classes)
    colours = np.array(
        [
            [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
            for colour in paper.TASK_COLOURS
        ]
    )
    chosen = colours[(classes - 1) % len(colours)]
    mixed = np.round((1 - _ALPHA) * image + _ALPHA * chosen).astype(np.uint8)
    result = np.where(classes[..., None] > 0, mixed, image)
    result[_borders(classes)] = _OUTLINE
    return result


def _borders(classes) -> np.ndarray:
    """Finds the pixels of a class next to a pixel of a lower one."""
    is_border = np.zeros(classes.shape, bool)
    is_border[1:] |= classes[1:] > classes[:-1]
    is_border[:-1] |= classes[:-1] > classes[1:]
    is_border[:, 1:] |= classes[:, 1:] > classes[:, :-1]
    is_border[:, :-1] |= classes[:, :-1] > classes[:, 1:]
    return is_border
