"""TensorFlow Datasets builder of `multi_digit`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import originals
from zoo.datasets.multi_digit import mnist

_DESCRIPTION = """
Two handwritten digits of MNIST in one image of 36x36 grey pixels: one lies in
the upper left corner, the other in the lower right one, and where they overlap
the brighter pixel is kept. Two tasks: which digit is the left one (`left`),
which one the right one (`right`).

The source digits are divided before any pair is composed. The test images are
made of MNIST's 10,000 test digits alone. Of its 60,000 training digits one in
twelve of each class, 5,001, is drawn for validation with a fixed seed, and
54,999 are left for training. Each digit of a split is once a left one and once
a right one, of pairs drawn at random. MNIST does not tell who wrote a digit, so
the same hand may be in training and validation.

The composition follows Sener and Koltun (NeurIPS 2018). Their code moves the
second digit by 6 pixels in the place of 8, so that the digits overlap more, and
reduces images to 28x28; metrics on it are not comparable with metrics here.
"""

_CITATION = """
@article{lecun1998gradient,
  title = {Gradient-based learning applied to document recognition},
  author = {LeCun, Yann and Bottou, L{\\'e}on and Bengio, Yoshua and
            Haffner, Patrick},
  journal = {Proceedings of the IEEE},
  volume = {86},
  number = {11},
  year = {1998},
}
@inproceedings{sener2018multi,
  title = {Multi-Task Learning as Multi-Objective Optimization},
  author = {Sener, Ozan and Koltun, Vladlen},
  booktitle = {NeurIPS},
  year = {2018},
}
"""

_FILE = "mnist.npz"
# That of `keras.datasets.mnist`, which states its sha256 as well.
_URL = f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{_FILE}"

CANVAS = 36
NUM_CLASSES = 10
_DIGIT = 28
_VALIDATION = 1 / 12
_SEED = 36


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `multi_digit`.

    `mnist.npz` is downloaded, or read from the folder `manual/mnist` of the
    downloads where it lies there.

    Features of an example:

    - `image`: uint8 of shape `(36, 36, 1)`, kept as PNG.
    - `left`: int32 scalar in [0, 10), the digit in the upper left corner.
    - `right`: int32 scalar in [0, 10), the one in the lower right corner.
    """

    name = "multi_digit"
    SOURCE = "mnist"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First pairs."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Not needed: {_FILE} is downloaded unless this folder holds it."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(CANVAS, CANVAS, 1),
                        dtype=np.uint8,
                        encoding_format="png",
                    ),
                    "left": tfds.features.Scalar(np.int32),
                    "right": tfds.features.Scalar(np.int32),
                }
            ),
            supervised_keys=None,
            homepage="https://keras.io/api/datasets/mnist/",
            citation=_CITATION,
            license="CC-BY-SA-3.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        files = originals.find(dl_manager, self.SOURCE, {_FILE: _URL})
        return {
            split: self._generate_examples(files[_FILE], split)
            for split in ("train", "validation", "test")
        }

    def _generate_examples(self, path: Path, split: str) -> Iterator:
        yield from enumerate(read(path, split))


def read(path: Path, split: str, arrays=mnist.ARRAYS) -> Iterator[dict]:
    """Reads MNIST and composes a split's pairs.

    Args:
        path: Path of `mnist.npz`.
        split: String, `"train"`, `"validation"` or `"test"`.
        arrays: As for `mnist.read`.

    Yields:
        Dicts, the features of the builder.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    digits = mnist.read(path, arrays)
    part = "test" if split == "test" else "train"
    images, classes = digits[f"x_{part}"], digits[f"y_{part}"].astype("int32")
    rows = source_rows(digits["y_train"], len(digits["y_test"]))[split]
    for left, right in pairs(rows, split):
        yield {
            "image": compose(images[left], images[right]),
            "left": classes[left],
            "right": classes[right],
        }


def source_rows(classes: np.ndarray, num_test: int) -> dict[str, np.ndarray]:
    """Divides the source digits between the splits.

    Args:
        classes: Integer array `(num_train,)`, the classes of MNIST's training
            digits.
        num_test: Integer, the number of its test digits.

    Returns:
        Dict from split to a sorted array of rows: of `x_test` for `"test"`, of
        `x_train` for the others, which share none.
    """
    random = np.random.default_rng(_SEED)
    validation = []
    for digit in range(NUM_CLASSES):
        own = random.permutation(np.flatnonzero(classes == digit))
        count = round(_VALIDATION * len(own))
        validation.append(own[:count])
    validation = np.sort(np.concatenate(validation))
    return {
        "train": np.setdiff1d(np.arange(len(classes)), validation),
        "validation": validation,
        "test": np.arange(num_test),
    }


def pairs(rows: np.ndarray, split: str) -> Iterator[tuple[int, int]]:
    """Draws which digits share an image.

    Args:
        rows: Integer array, the source digits of the split.
        split: String, which the draw depends on.

    Yields:
        Pairs of a left and a right row: each row once on each side.
    """
    number = ("train", "validation", "test").index(split)
    random = np.random.default_rng((_SEED, number))
    yield from zip(
        random.permutation(rows), random.permutation(rows), strict=True
    )


def compose(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Lays two digits over each other.

    Args:
        left: uint8 array of shape `(28, 28)`.
        right: uint8 array of shape `(28, 28)`.

    Returns:
        uint8 array of shape `(36, 36, 1)`.
    """
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    canvas[:_DIGIT, :_DIGIT] = left
    corner = canvas[-_DIGIT:, -_DIGIT:]
    np.maximum(corner, right, out=corner)
    return canvas[..., None]
