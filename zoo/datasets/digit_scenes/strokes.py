"""Draws the handwritten digits large and crisp, and cuts them.

A source is an 8x8 image with a margin of one empty pixel, so that strokes end
softly where the scan was cropped.
"""

import dataclasses

import numpy as np
from scipy import ndimage

# Grey values at which a stroke may end. Above them loops open, below them the
# loops of small digits fill up.
_EDGES = (0.45, 0.4, 0.35)
_FINE = 12


@dataclasses.dataclass(frozen=True)
class Outline:
    """Where the strokes of a source end, in pixels of the source.

    Attributes:
        edge: Float, the grey value at which a stroke ends.
        top: Float, as are `bottom`, `left` and `right`: the strokes' extent.
    """

    edge: float
    top: float
    bottom: float
    left: float
    right: float


def _weights(low: float, high: float, count: int, size: int) -> np.ndarray:
    """Weights of cubic interpolation (Catmull-Rom) at `count` places.

    Returns:
        Float array of shape `(count, size)`.
    """
    step = (high - low) / (count - 1)
    places = low + step * np.arange(count)[:, None]
    distance = np.abs(places - np.arange(size)[None, :])
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    inside = np.where(distance < 1.0, near, far)
    return np.where(distance < 2.0, inside, 0.0).astype("float32")


def outline(image: np.ndarray) -> Outline | None:
    """Finds where a digit's strokes end.

    The edge is the highest grey value at which the digit hangs together.

    Args:
        image: Float array of shape `(10, 10)` in [0, 1].

    Returns:
        An `Outline`, or `None` for a digit that falls apart.
    """
    size = len(image)
    weights = _weights(0.0, size - 1.0, (size - 1) * _FINE + 1, size)
    value = weights @ image @ weights.T
    for edge in _EDGES:
        stroke = value >= edge
        if ndimage.label(stroke)[1] == 1:
            rows = np.flatnonzero(stroke.any(axis=1)) / _FINE
            columns = np.flatnonzero(stroke.any(axis=0)) / _FINE
            return Outline(edge, rows[0], rows[-1], columns[0], columns[-1])
    return None


def draw(image: np.ndarray, shape: Outline, longest: int) -> np.ndarray:
    """Draws a digit so that its strokes fill a rectangle of pixels.

    Args:
        image: Float array of shape `(10, 10)` in [0, 1].
        shape: The digit's `outline`.
        longest: Integer, the longer side in pixels.

    Returns:
        Float array in [0, 1], 1 in a stroke and 0 beside it, whose longer
        side is `longest`.
    """
    tall, wide = shape.bottom - shape.top, shape.right - shape.left
    pitch = max(tall, wide) / (longest - 1)
    height = max(round(tall / pitch) + 1, 3)
    width = max(round(wide / pitch) + 1, 3)
    value = (
        _weights(shape.top, shape.bottom, height, len(image))
        @ image
        @ _weights(shape.left, shape.right, width, len(image)).T
    )
    # The grey edge of a stroke is about one pixel wide at every size.
    ink = np.clip((value - shape.edge) / (1.5 * pitch) + 0.5, 0.0, 1.0)
    return ink


def cut(ink: np.ndarray, kept: float, angle: float) -> np.ndarray:
    """Cuts a drawn digit along a straight line.

    Args:
        ink: Float array of shape `(height, width)`, from `draw`.
        kept: Float, the fraction of the ink that stays.
        angle: Float in radians, the direction in which the piece lies.

    Returns:
        Float array, tight on the piece.
    """
    rows, columns = np.indices(ink.shape, "float32")
    along = np.cos(angle) * columns + np.sin(angle) * rows
    order = np.argsort(along, axis=None)
    share = np.cumsum(ink.reshape(-1)[order])
    line = along.reshape(-1)[order[np.searchsorted(share, kept * share[-1])]]
    piece = ink * np.clip(line - along + 0.5, 0.0, 1.0)
    return tight(piece)


def tight(ink: np.ndarray) -> np.ndarray:
    """Crops an ink array to the rectangle where it is at least a half."""
    rows = np.flatnonzero((ink >= 0.5).any(axis=1))
    columns = np.flatnonzero((ink >= 0.5).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
