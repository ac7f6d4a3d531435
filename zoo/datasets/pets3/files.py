"""The files of `pets3`: the reduced images, or the authors' archives."""

import csv
import dataclasses
import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from mtl_keras import files
from mtl_keras.messages import listed
from zoo.datasets import originals
from zoo.datasets.pets3 import names

ARCHIVES = ("images", "annotations")
TABLE = "labels.csv"
TRAINVAL, _TEST = "trainval", "test"
_COLUMNS = (
    *("id", "split", "breed", "species", "width", "height"),
    *("x1", "y1", "x2", "y2"),
)
_SIDE = 192
# The authors' trimaps: 1 the pet, 2 background, 3 the border.
_CLASSES = {1: names.MASK.index("pet"), 2: names.MASK.index("background")}
_BORDER, MISSING = 3, 255


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        file: String, the image's name without its ending.
        split: String, the authors' split.
        breed: String.
        species: String.
        size: Pair of integers, width and height of the reduced image.
        box: Tuple of four floats, the head as fractions; NaN if missing.
    """

    file: str
    split: str
    breed: str
    species: str
    size: tuple[int, int]
    box: tuple[float, float, float, float]


def rows(folder: Path) -> list[Row]:
    """Reads the table of the reduced images.

    Args:
        folder: Path of the folder with `labels.csv`.

    Returns:
        List of `Row`.

    Raises:
        ValueError: If the table is missing or damaged.
    """
    path = Path(folder) / TABLE
    (_, head), *lines = originals.lines(path)
    if head.split(",") != list(_COLUMNS):
        raise originals.damage(path, f"columns {listed(_COLUMNS)}", head, 1)
    rows = [_row(path, number, line) for number, line in lines]
    if len({row.file for row in rows}) < len(rows) or not rows:
        raise originals.damage(
            path, "one row for each image", f"{len(rows)} rows, some twice"
        )
    return rows


def _row(path, number, line) -> Row:
    def wrong(expected):
        return originals.damage(path, expected, repr(line), number)

    cells = next(csv.reader([line]), [])
    if len(cells) != len(_COLUMNS):
        raise wrong(f"{len(_COLUMNS)} columns")
    file, split, breed, species, width, height, *corners = cells
    if split not in (TRAINVAL, _TEST):
        raise wrong(f"the split {TRAINVAL!r} or {_TEST!r}")
    if breed not in names.BREEDS or species not in names.SPECIES:
        raise wrong(f"one of {listed(names.BREEDS)}, and a species")
    if not file.startswith(f"{breed}_") or not file.isidentifier():
        raise wrong("an image named after its breed")
    if not (width.isdecimal() and height.isdecimal()):
        raise wrong("a width and a height")
    try:
        box = tuple(float(corner or "nan") for corner in corners)
    except ValueError as error:
        raise wrong("corners of a box, as fractions, or none") from error
    x1, y1, x2, y2 = box
    if any(corners) and not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise wrong("corners of a box, as fractions, or none")
    return Row(file, split, breed, species, (int(width), int(height)), box)


def image_and_mask(folder: Path, row: Row) -> tuple[bytes, np.ndarray]:
    """Reads a reduced image and its mask.

    Args:
        folder: Path of the folder.
        row: `Row`.

    Returns:
        Pair of the bytes of a JPEG file, and of a uint8 array `(height,
        width)` of class numbers, 255 at the border.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    photograph = Path(folder) / "images" / f"{row.file}.jpg"
    contents = _decoded(photograph, row.size)[0]
    path = Path(folder) / "trimaps" / f"{row.file}.png"
    _, trimap = _decoded(path, row.size)
    if trimap.ndim != 2 or not set(np.unique(trimap)) <= {*_CLASSES, _BORDER}:
        raise originals.damage(
            path, "pixels of 1, 2 and 3", f"{np.unique(trimap)[:9].tolist()}"
        )
    mask = np.full(trimap.shape, MISSING, np.uint8)
    for value, number in _CLASSES.items():
        mask[trimap == value] = number
    return contents, mask


def _decoded(path, size):
    """Reads an image; returns the file's bytes and the pixels."""
    if not path.is_file():
        raise originals.missing(path)
    contents = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(contents)) as image:
                pixels = np.asarray(image)
    # Pillow raises nearly any error for damaged files, and warns of others.
    except Exception as error:
        raise originals.damage(path, "an image", str(error)) from error
    if pixels.shape[1::-1] != size:
        raise originals.damage(
            path,
            f"{size[0]} x {size[1]} pixels, as in {TABLE}",
            f"{pixels.shape[1]} x {pixels.shape[0]}",
        )
    return contents, pixels


def reduced(images: Path, annotations: Path, folder: Path) -> Path:
    """Reduces the authors' images of the three breeds to at most 192 pixels.

    Args:
        images: Path of the archive's folder of photographs.
        annotations: Path of the archive's folder with `trainval.txt`,
            `test.txt`, `xmls` and `trimaps`.
        folder: Path of the folder to write: `labels.csv`, `images`, `trimaps`.

    Returns:
        `folder`.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    for part in ("images", "trimaps"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    table = [",".join(_COLUMNS)]
    for split in (TRAINVAL, _TEST):
        for name, species in _listed(annotations / f"{split}.txt"):
            photograph = _opened(images / f"{name}.jpg").convert("RGB")
            trimap = _opened(annotations / "trimaps" / f"{name}.png")
            scale = min(1.0, _SIDE / max(photograph.size))
            size = tuple(max(1, round(scale * n)) for n in photograph.size)
            photograph.resize(size, Image.Resampling.LANCZOS).save(
                folder / "images" / f"{name}.jpg", quality=90
            )
            trimap.resize(size, Image.Resampling.NEAREST).save(
                folder / "trimaps" / f"{name}.png"
            )
            box = _head(annotations / "xmls" / f"{name}.xml")
            breed = name.rsplit("_", 1)[0]
            table.append(
                ",".join(map(str, (name, split, breed, species, *size, *box)))
            )
    # Last: with it the folder is whole.
    files.write_text(folder / TABLE, "\n".join(table) + "\n")
    return folder


def _listed(path) -> Iterator[tuple[str, str]]:
    """Lists names and species of the three breeds in an authors' list."""
    for number, line in originals.lines(path):
        cells = line.split()
        if line.startswith("#"):
            continue
        if len(cells) != 4 or cells[2] not in ("1", "2"):
            raise originals.damage(path, "4 columns", repr(line), number)
        if cells[0].rsplit("_", 1)[0] in names.BREEDS:
            yield cells[0], names.SPECIES[int(cells[2]) - 1]


def _opened(path) -> Image.Image:
    if not path.is_file():
        raise originals.missing(path)
    try:
        image = Image.open(path)
        image.load()
    except Exception as error:
        raise originals.damage(path, "an image", str(error)) from error
    return image


def _head(path) -> list[str]:
    """Reads the box of a head as fractions; four empty cells without one."""
    if not path.is_file():
        return [""] * 4
    try:
        root = ElementTree.parse(path).getroot()
        width, height = (int(root.findtext(f"size/{n}")) for n in _SIZE)
        corners = [float(root.findtext(f"object/bndbox/{n}")) for n in _BOX]
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        raise originals.damage(
            path, "a box in VOC's XML", str(error)
        ) from error
    fractions = [
        corner / size
        for corner, size in zip(corners, (width, height) * 2, strict=True)
    ]
    if not all(map(math.isfinite, fractions)):
        raise originals.damage(path, "a box in VOC's XML", f"{fractions}")
    return [f"{min(max(each, 0.0), 1.0):.5f}" for each in fractions]


_SIZE = ("width", "height")
_BOX = ("xmin", "ymin", "xmax", "ymax")
