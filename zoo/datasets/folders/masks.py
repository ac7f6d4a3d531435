"""Masks: a class for each pixel, from an image file or drawn from outlines."""

import dataclasses

import numpy as np

from zoo.datasets.folders import array_files, image_files, values
from zoo.datasets.folders.records import Damage
from zoo.datasets.mask_labels import MISSING

BACKGROUND = "background"
# Values of black and white: 255 is then a class.
BINARY = {"0", "255"}
_SUFFIXES = ("_mask", "-mask", "_seg")


@dataclasses.dataclass(frozen=True, slots=True)
class Mask:
    """The mask of one image.

    Args:
        size: Pair of integers, the image's width and height.
        file: String, the mask's file within the folder, or `None`.
        shapes: Tuple of pairs of class name and COCO's `segmentation`, where
            there is no file.
    """

    size: tuple
    file: str | None = None
    shapes: tuple = ()

    def values(self, listing) -> set[str]:
        """Returns the names of the classes that occur; of a file, numbers.

        Raises:
            Damage: If the mask cannot be read, or is not of the image's size.
        """
        if self.file is None:
            self._drawn({})
            return {BACKGROUND, *(name for name, _ in self.shapes)}
        return {str(value) for value in np.unique(self._read(listing))}

    def array(self, listing, names) -> np.ndarray:
        """Makes the uint8 array `(height, width)` of class numbers.

        Args:
            listing: `Listing` of the folder.
            names: Sequence of class names. Where all are numbers, they are
                the pixels' values; otherwise a pixel's value is its class's
                number.

        Returns:
            Array; a pixel of no class is `MISSING`.
        """
        numbers = {name: number for number, name in enumerate(names)}
        if self.file is None:
            return self._drawn(numbers)
        table = np.full(256, MISSING, np.uint8)
        if all(name.isdigit() for name in names):
            for name, number in numbers.items():
                table[int(name)] = number
        else:
            table[: len(names)] = range(len(names))
        return table[self._read(listing)]

    def _read(self, listing):
        try:
            path = listing.path(self.file)
            if array_files.is_array(path):
                pixels = array_files.classes(path)
            else:
                pixels = image_files.single_channel(path)
        except Damage as damage:
            raise Damage(str(damage), file=self.file) from damage
        if pixels.shape[::-1] != tuple(self.size):
            height, width = pixels.shape
            raise Damage(
                f"Expected a mask of the image's size, {self.size[0]} x "
                f"{self.size[1]}. Received: {width} x {height}",
                file=self.file,
            )
        return pixels

    def _drawn(self, numbers):
        """Draws the outlines, each over those before it."""
        pixels = np.zeros(self.size[::-1], np.uint8)
        for name, segmentation in self.shapes:
            inside = filled(segmentation, self.size)
            pixels[inside] = numbers.get(name, MISSING)
        return pixels


def class_names(seen: set[str]) -> tuple[str, ...]:
    """Returns the classes of files' values: all but 255, which is missing.

    Masks of 0 and 255 alone have two classes.
    """
    if seen != BINARY:
        seen = seen - {str(MISSING)}
    return tuple(sorted(seen, key=int))


def filled(segmentation, size) -> np.ndarray:
    """Draws COCO's `segmentation`.

    Args:
        segmentation: List of outlines, or a dict of run lengths.
        size: Pair of integers, the image's width and height.

    Returns:
        Boolean array `(height, width)`.

    Raises:
        Damage: If it is neither.
    """
    from PIL import Image, ImageDraw

    if isinstance(segmentation, dict):
        return _from_runs(segmentation, size)
    if not isinstance(segmentation, list) or not segmentation:
        raise Damage(
            "Expected a segmentation of outlines. Received: "
            f"{str(segmentation)[:60]}"
        )
    canvas = Image.new("1", size)
    for outline in segmentation:
        is_outline = isinstance(outline, list) and len(outline) >= 6
        if not is_outline or len(outline) % 2:
            raise Damage(
                "Expected an outline of three or more pairs x, y. Received: "
                f"{str(outline)[:60]}"
            )
        corners = [values.number(corner) for corner in outline]
        if None in corners:
            raise Damage("Expected an outline of numbers. Received: a gap")
        ImageDraw.Draw(canvas).polygon(corners, fill=1)
    return np.asarray(canvas)


def _from_runs(segmentation, size):
    """Decodes COCO's run lengths, which go down the columns."""
    width, height = size
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _decompressed(counts)
    is_legal = (
        segmentation.get("size") == [height, width]
        and isinstance(counts, list)
        and all(isinstance(count, int) and count >= 0 for count in counts)
        and sum(counts) == width * height
    )
    if not is_legal:
        raise Damage(
            f"Expected run lengths of {width * height} pixels, size "
            f"[{height}, {width}]. Received: {str(segmentation)[:60]}"
        )
    bits = np.arange(len(counts)) % 2 == 1
    return np.repeat(bits, counts).reshape(width, height).T


def _decompressed(text):
    """Decodes the text of run lengths: 5 bits a letter, differences by two.

    https://github.com/cocodataset/cocoapi, `common/maskApi.c`.
    """
    counts, value, shift = [], 0, 0
    for letter in text:
        bits = ord(letter) - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value |= -1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts


def stem_of(path: str) -> str:
    """Returns the name of the image that a mask file belongs to."""
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem


def is_beside(path: str) -> bool:
    """Tells whether a file is a mask by its own name: `a_mask.png`."""
    return path.rsplit(".", 1)[0].endswith(_SUFFIXES)
