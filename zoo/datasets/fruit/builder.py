"""TensorFlow Datasets builder of `fruit`."""

import io
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from zoo.datasets import originals
from zoo.datasets.fruit import names

_DESCRIPTION = """
300 photographs with 582 apples, bananas and oranges, each with a box drawn by
hand, reduced to at most 512 pixels. Most show one kind of fruit, some all
three. The test split is the authors'; of their training images every sixth of
each kind of file (`apple`, `banana`, `orange`, `mixed`), in the order of their
numbers, is for validation.
"""

_CITATION = """
@misc{narumi2019fruit,
  author = {narumiruna},
  title = {Fruit images for object detection},
  year = {2019},
  howpublished =
    {https://github.com/narumiruna/fruit-images-for-object-detection},
}
"""

# checksums.tsv lists each file's address with its size and sha256.
_URL = (
    "https://raw.githubusercontent.com/narumiruna/"
    "fruit-images-for-object-detection/59da6a7/"
)
_FOLDER = "data/bbox"
_SIDE = 512
# Of every six training images of a kind, in the order of their numbers.
_VALIDATION = 3
_PART = 6


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `fruit`.

    The 600 files are downloaded (32 MB), or read from the folder
    `manual/fruit` of the downloads where they lie there as in the authors'
    repository.

    Features of an example:

    - `image`: the photograph, at most 512 pixels high and wide.
    - `objects`: a sequence of `box`, `x1, y1, x2, y2` as fractions of the
      image, and `kind`, a class number by `names.KINDS`.
    - `file`: the photograph's name, such as `"mixed_3"`.
    """

    name = "fruit"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "All boxes."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: the files are downloaded. The folder may hold "
        f"{_FOLDER}/train/apple_1.jpg, {_FOLDER}/train/apple_1.json and so on."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "objects": tfds.features.Sequence(
                {
                    "box": tfds.features.Tensor(shape=(4,), dtype=np.float32),
                    "kind": tfds.features.ClassLabel(names=names.KINDS),
                }
            ),
            "file": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage=(
                "https://github.com/narumiruna/"
                "fruit-images-for-object-detection"
            ),
            citation=_CITATION,
            license="MIT",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        urls = {
            url.removeprefix(_URL): url
            for url in self.url_infos
            if url.startswith(_URL)
        }
        paths = originals.find(dl_manager, self.name, urls)
        return {
            split: self._generate_examples(photographs)
            for split, photographs in divided(paths).items()
        }

    def _generate_examples(self, photographs: Mapping) -> Iterator:
        for name, (photograph, labels) in photographs.items():
            example = read(photograph, labels)
            yield name, {**example, "file": name}


def divided(paths: Mapping[str, Path]) -> dict[str, dict]:
    """Divides the photographs into splits.

    Args:
        paths: Dict from path within the folder to path of the file.

    Returns:
        Dict of `"train"`, `"validation"` and `"test"` to dicts from a
        photograph's name to the pair of its file and its file of labels.
    """
    splits = {"train": {}, "validation": {}, "test": {}}
    seen = {}
    for path in sorted(paths, key=_order):
        folder, _, file = path.rpartition("/")
        name, _, ending = file.rpartition(".")
        if ending != "jpg":
            continue
        split, kind = folder.rpartition("/")[2], name.partition("_")[0]
        if split == "train":
            place = seen[kind] = seen.get(kind, -1) + 1
            split = "validation" if place % _PART == _VALIDATION else "train"
        labels = paths[f"{folder}/{name}.json"]
        splits[split][name] = (paths[path], labels)
    return splits


def _order(path):
    """Sorts by split and kind, then by number: 2 before 10."""
    folder, _, file = path.rpartition("/")
    kind, _, rest = file.partition("_")
    return folder, kind, len(rest), rest


def read(photograph: Path, labels: Path) -> dict:
    """Reads one photograph and its boxes.

    Args:
        photograph: Path of the image.
        labels: Path of the file of Labelme, JSON with rectangles.

    Returns:
        Dict, the features of the builder without `file`.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    contents, (width, height) = _image(photograph)
    text = "\n".join(line for _, line in originals.lines(labels))
    try:
        shapes = json.loads(text)["shapes"]
        objects = [_object(shape, width, height) for shape in shapes]
    # RecursionError: brackets within brackets, a thousand deep.
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise originals.damage(
            labels, "rectangles of Labelme in JSON", f"{error!r}"
        ) from error
    return {"image": contents, "objects": objects}


def _object(shape, width, height) -> dict:
    """Reads a rectangle, drawn from any corner, as a box of a class."""
    kind = shape["label"]
    if kind not in names.KINDS or shape["shape_type"] != "rectangle":
        raise ValueError(f"a {shape['shape_type']} of {kind!r}")
    (x1, y1), (x2, y2) = shape["points"]
    numbers = [float(number) for number in (x1, y1, x2, y2)]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"corners {numbers}")
    x1, x2 = sorted((numbers[0] / width, numbers[2] / width))
    y1, y2 = sorted((numbers[1] / height, numbers[3] / height))
    # Corners of a few boxes lie a pixel outside.
    slack = 0.01
    if min(x1, y1) < -slack or max(x2, y2) > 1 + slack or x1 == x2 or y1 == y2:
        raise ValueError(f"a box outside of the image: {numbers}")
    box = np.clip([x1, y1, x2, y2], 0.0, 1.0).astype(np.float32)
    return {"box": box, "kind": kind}


def _image(path) -> tuple[io.BytesIO, tuple[int, int]]:
    """Reads an image file; returns it as JPEG, reduced, and its first size."""
    if not path.is_file():
        raise originals.missing(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Some have a palette with transparency, which warns and is fine.
            warnings.filterwarnings("ignore", message="Palette images")
            # Some files named .jpg are PNG.
            with Image.open(io.BytesIO(path.read_bytes())) as image:
                size, pixels = image.size, image.convert("RGB")
    # Pillow raises nearly any error for damaged files, and warns of others.
    except Exception as error:
        raise originals.damage(path, "an image", str(error)) from error
    # Decoding 12 million pixels in each epoch would take longer than the step.
    pixels.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    contents = io.BytesIO()
    pixels.save(contents, "JPEG", quality=92)
    contents.seek(0)
    return contents, size
