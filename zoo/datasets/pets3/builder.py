"""TensorFlow Datasets builder of `pets3`."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import originals
from zoo.datasets.pets3 import files, names

_DESCRIPTION = """
Photographs of three breeds of the Oxford-IIIT Pet data set (Abyssinian and
Bengal cats, American bulldogs), reduced to at most 192 pixels: breed, species,
the box of the head, and which pixels are the pet. The authors give boxes of
heads for their training images only, so the test split here is theirs, without
boxes, and 45 of their training images, which have them.
"""

_CITATION = """
@inproceedings{parkhi12a,
  author = {Parkhi, O. M. and Vedaldi, A. and Zisserman, A. and Jawahar, C. V.},
  title = {Cats and Dogs},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  year = {2012},
}
"""

# checksums.tsv has their sizes and sha256, which are those of the builder
# `oxford_iiit_pet` of TensorFlow Datasets.
_URL = "https://thor.robots.ox.ac.uk/~vgg/data/pets"
# Of each 20 training images of a breed, in the order of their names.
_VALIDATION, _TEST = (0, 10), (4, 9, 14)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `pets3`.

    The authors' archives are downloaded (800 MB), or the reduced images are
    read from the folder `manual/pets3` of the downloads where that holds
    `labels.csv`, `images` and `trimaps` (see `files.reduced`).

    Features of an example:

    - `image`: the photograph, at most 192 pixels high and wide.
    - `breed`, `species`: class numbers, by `names`.
    - `box`: the head, `x1, y1, x2, y2` as fractions of the image; NaN where
      it is missing, which is half of the examples.
    - `mask`: image of class numbers, by `names.MASK`; 255, missing, at the
      border of the pet, which the authors leave open.
    - `file`: the photograph's name.
    """

    name = "pets3"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Three breeds."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: the authors' archives are downloaded. The folder may hold "
        "labels.csv, images/Abyssinian_1.jpg, trimaps/Abyssinian_1.png and so "
        "on."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(),
            "breed": tfds.features.ClassLabel(names=names.BREEDS),
            "species": tfds.features.ClassLabel(names=names.SPECIES),
            "box": tfds.features.Tensor(shape=(4,), dtype=np.float32),
            "mask": tfds.features.Image(
                shape=(None, None, 1), dtype=np.uint8, encoding_format="png"
            ),
            "file": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://www.robots.ox.ac.uk/~vgg/data/pets/",
            citation=_CITATION,
            license="for research only",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        for folder in originals.manual_folders(dl_manager, self.name):
            if (folder / files.TABLE).is_file():
                break
        else:
            archives = originals.download(
                dl_manager.download_and_extract,
                self.name,
                {part: f"{_URL}/{part}.tar.gz" for part in files.ARCHIVES},
                [files.TABLE, "images/Abyssinian_1.jpg", "..."],
            )
            folder = files.reduced(
                archives["images"] / "images",
                archives["annotations"] / "annotations",
                Path(str(self.data_dir)).parent / "reduced",
            )
        rows = divided(files.rows(folder))
        return {
            split: self._generate_examples(folder, part)
            for split, part in rows.items()
        }

    def _generate_examples(self, folder: Path, rows: Iterable) -> Iterator:
        for example in read(folder, rows):
            yield example["file"], example


def divided(rows: Iterable) -> dict[str, list]:
    """Divides the rows into splits.

    Of each 20 of the authors' training images of a breed, in the order of
    their names, numbers 4, 9 and 14 go to the test split, which needs boxes of
    heads, and 0 and 10 to validation.

    Args:
        rows: Iterable of `files.Row`.

    Returns:
        Dict of `"train"`, `"validation"` and `"test"` to lists of rows.
    """
    parts = {"train": [], "validation": [], "test": []}
    counts = dict.fromkeys(names.BREEDS, 0)
    for row in sorted(rows, key=lambda row: row.file):
        split = "test"
        if row.split == files.TRAINVAL:
            place = counts[row.breed] % 20
            counts[row.breed] += 1
            if place not in _TEST:
                split = "validation" if place in _VALIDATION else "train"
        parts[split].append(row)
    return parts


def read(folder: Path, rows: Iterable) -> Iterator[dict]:
    """Reads the examples of some rows.

    Args:
        folder: Path of the folder of reduced images.
        rows: Iterable of `files.Row`.

    Yields:
        Dicts, the features of the builder.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    for row in rows:
        contents, mask = files.image_and_mask(folder, row)
        yield {
            "image": io.BytesIO(contents),
            "breed": row.breed,
            "species": row.species,
            "box": np.array(row.box, np.float32),
            "mask": mask[..., None],
            "file": row.file,
        }
