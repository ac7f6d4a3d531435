"""Composes scenes of one whole handwritten digit among pieces of others."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from zoo.datasets.digit_scenes import strokes

CANVAS = 64
SIZES = (16, 44)
KEPT = (0.4, 0.7)
PIECES = (1, 3)
NUM_CLASSES = 10
EMPTY_EVERY = 4
SHARES = {"train": 0.75, "validation": 0.1, "test": 0.15}
# A part of a 1 is a 1, and the loop of an 8, 9 or 6 is a 0 if it stays whole.
_UNCUT = 1
_CUT_LENGTHWISE = (6, 8, 9)
_SEED = 20
_TRIES = 12


@dataclasses.dataclass(frozen=True)
class Scene:
    """One scene with its three labels.

    Attributes:
        image: uint8 array of shape `(64, 64, 1)`.
        cls: Integer, the digit, or -1 where the scene holds pieces only.
        det: Integer, 1 where the scene holds a whole digit, else 0.
        box: float32 array `(x1, y1, x2, y2)` in [0, 1] of the canvas, tight
            on the digit's ink; NaN where the scene holds pieces only.
        source: Integer, the digit's row in `load_digits`, or -1.
        pieces: Tuple of integers, the rows the pieces were cut from.
    """

    image: np.ndarray
    cls: int
    det: int
    box: np.ndarray
    source: int
    pieces: tuple


def load_sources() -> tuple[np.ndarray, np.ndarray]:
    """Reads the handwritten digits that scikit-learn carries.

    Returns:
        A float32 array of shape `(1797, 10, 10)` in [0, 1], the 8x8 images
        with a margin of one empty pixel, and an int array of shape
        `(1797,)`, their classes.
    """
    from sklearn import datasets

    images, classes = datasets.load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype("float32") / 16.0
    return np.pad(images, ((0, 0), (1, 1), (1, 1))), classes


def divide_sources(classes: np.ndarray) -> dict[str, np.ndarray]:
    """Divides the source digits between the splits, class by class.

    Args:
        classes: Int array of shape `(num_sources,)`.

    Returns:
        Dict from split to a sorted int array of rows. The rows are disjoint:
        no digit of the test scenes, whole or as a piece, is in a train scene.
    """
    random = np.random.default_rng(_SEED)
    rows = {split: [] for split in SHARES}
    for digit in range(NUM_CLASSES):
        own = random.permutation(np.flatnonzero(classes == digit))
        shares = np.cumsum(list(SHARES.values()))[:-1]
        cuts = np.rint(shares * len(own)).astype(int)
        for split, part in zip(SHARES, np.split(own, cuts), strict=True):
            rows[split].append(part)
    return {split: np.sort(np.concatenate(rows[split])) for split in SHARES}


class Composer:
    """Composes the scenes of one split, each from its number alone.

    Args:
        split: String, one of `"train"`, `"validation"`, `"test"`.
    """

    def __init__(self, split: str):
        self.split = split
        self._images, self._classes = load_sources()
        outlines = {
            int(row): strokes.outline(self._images[row])
            for row in divide_sources(self._classes)[split]
        }
        # A digit of several parts would itself look like pieces.
        self._outlines = {
            row: outline for row, outline in outlines.items() if outline
        }
        self._rows = np.array(list(self._outlines))
        self._cuttable = self._rows[self._classes[self._rows] != _UNCUT]

    def scenes(self, count: int) -> Iterator[Scene]:
        """Composes the split's first `count` scenes."""
        return (self.scene(number) for number in range(count))

    def scene(self, number: int) -> Scene:
        """Composes one scene; the same number always gives the same scene.

        Things are painted one over the other, each with a thin rim of
        background, the digit last: pieces may lie under the digit, never on
        it. A scene without a digit holds one piece more, so that neither the
        number of things nor the one on top tells.

        Args:
            number: Integer, the scene's number in the split.

        Returns:
            A `Scene`.
        """
        key = (_SEED, list(SHARES).index(self.split), number)
        random = np.random.default_rng(key)
        whole = number % EMPTY_EVERY != EMPTY_EVERY - 1
        things = int(random.integers(PIECES[0], PIECES[1] + 1)) + 1
        cuttable = random.choice(self._cuttable, size=things, replace=False)
        pieces = [int(row) for row in cuttable[: things - whole]]
        source = self._other(pieces, random) if whole else -1
        inks = [self._draw_piece(row, random) for row in pieces]
        if whole:
            inks.append(self._draw(source, random))
        corners = _arrange([ink.shape for ink in inks], random)

        background = random.uniform(0.0, 0.2)
        canvas = np.full((CANVAS, CANVAS), background, "float32")
        for ink, (top, left) in zip(inks, corners, strict=True):
            _paint(canvas, ink, top, left, background, random)
        noise = random.uniform(0.01, 0.06)
        canvas += noise * random.standard_normal(canvas.shape, "float32")
        image = np.rint(np.clip(canvas, 0.0, 1.0) * 255.0).astype("uint8")

        box = np.full(4, np.nan, "float32")
        if whole:
            (top, left), (height, width) = corners[-1], inks[-1].shape
            box[:] = left, top, left + width, top + height
            box /= CANVAS
        return Scene(
            image=image[..., None],
            cls=int(self._classes[source]) if whole else -1,
            det=int(whole),
            box=box,
            source=source,
            pieces=tuple(pieces),
        )

    def _draw(self, row: int, random: np.random.Generator) -> np.ndarray:
        longest = int(random.integers(SIZES[0], SIZES[1] + 1))
        return strokes.draw(self._images[row], self._outlines[row], longest)

    def _draw_piece(self, row: int, random: np.random.Generator) -> np.ndarray:
        ink = self._draw(row, random)
        angle = random.uniform(0.0, 2.0 * math.pi)
        if self._classes[row] in _CUT_LENGTHWISE:
            side = math.pi * random.integers(0, 2)
            angle = side + random.uniform(-math.pi / 6, math.pi / 6)
        return strokes.cut(ink, random.uniform(*KEPT), angle)

    def _other(self, pieces: list, random: np.random.Generator) -> int:
        """Chooses a digit that none of the pieces was cut from."""
        while True:
            row = int(random.choice(self._rows))
            if row not in pieces:
                return row


def _arrange(shapes: list, random: np.random.Generator) -> list:
    """Finds places that overlap little; the last thing is placed first.

    Returns:
        List of pairs `(top, left)`, one a shape.
    """
    corners = [(0, 0)] * len(shapes)
    taken = np.zeros((0, 4))
    for index in reversed(range(len(shapes))):
        height, width = shapes[index]
        top = random.integers(0, CANVAS - height + 1, _TRIES)
        left = random.integers(0, CANVAS - width + 1, _TRIES)
        places = np.stack([top, left, top + height, left + width], axis=-1)
        low = np.maximum(places[:, None, :2], taken[None, :, :2])
        high = np.minimum(places[:, None, 2:], taken[None, :, 2:])
        overlap = np.prod(np.maximum(high - low, 0), axis=-1).sum(axis=-1)
        best = int(np.argmin(overlap))
        corners[index] = (int(top[best]), int(left[best]))
        taken = np.concatenate([taken, places[best : best + 1]])
    return corners


def _paint(canvas, ink, top, left, background, random) -> None:
    """Paints ink and a rim of background of two pixels around it."""
    height, width = ink.shape
    wide = np.zeros((height, width + 4), "float32")
    rim = np.zeros((height + 4, width + 4), "float32")
    for shift in (0, 2, 4):
        part = wide[:, shift : shift + width]
        np.maximum(part, ink, out=part)
    for shift in (0, 2, 4):
        part = rim[shift : shift + height]
        np.maximum(part, wide, out=part)
    first, start = max(top - 2, 0), max(left - 2, 0)
    place = canvas[first : top + height + 2, start : left + width + 2]
    rim = rim[first - top + 2 :, start - left + 2 :]
    rim = rim[: place.shape[0], : place.shape[1]]
    place += rim * (background - place)
    place = canvas[top : top + height, left : left + width]
    place += ink * (random.uniform(0.45, 1.0) - place)
