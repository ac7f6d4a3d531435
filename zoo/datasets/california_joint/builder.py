"""TensorFlow Datasets builder of `california_joint`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import csv_rows, hashed_splits, originals

_DESCRIPTION = """
The 20,640 districts of California in the census of 1990: the median price of a
house (in 100,000 dollars, at most 5.00001) and the region, which is how far the
ocean is. Divided by a hash of the district's place, so that districts at one
place are in one split: about 70% for training, 10% for validation and 20% for
the test.
"""

_CITATION = """
@article{pace1997sparse,
  title = {Sparse Spatial Autoregressions},
  author = {Pace, R. Kelley and Barry, Ronald},
  journal = {Statistics and Probability Letters},
  volume = {33},
  number = {3},
  pages = {291--297},
  year = {1997},
}
@book{geron2017hands,
  title = {Hands-On Machine Learning with Scikit-Learn and TensorFlow},
  author = {G{\\'e}ron, Aur{\\'e}lien},
  publisher = {O'Reilly},
  year = {2017},
}
"""

_PATH = "housing.csv"
# A commit, so that the file can never change.
_URL = (
    "https://raw.githubusercontent.com/ageron/handson-ml/b705159/datasets/"
    f"housing/{_PATH}"
)
NUMBERS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
)
COLUMNS = (*NUMBERS, "median_house_value", "ocean_proximity")
REGIONS = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
_DOLLARS = 100_000.0
# Of 256 examples.
_TEST, _VALIDATION = 51, 26


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `california_joint`.

    The file is downloaded, or read from the folder `manual/california_housing`
    of the downloads where that holds `housing.csv`.

    Features of an example: the columns, float32 scalars (NaN is missing), and
    the labels `price`, a float32 scalar in 100,000 dollars, and `region`, the
    class number of one of `REGIONS`.
    """

    name = "california_joint"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    SOURCE = "california_housing"
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: what is not in this folder is downloaded. It may hold "
        "california_housing/housing.csv."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            **{name: tfds.features.Scalar(np.float32) for name in NUMBERS},
            "price": tfds.features.Scalar(np.float32),
            "region": tfds.features.ClassLabel(names=REGIONS),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://github.com/ageron/handson-ml",
            citation=_CITATION,
            license="Apache-2.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        paths = originals.find(dl_manager, self.SOURCE, {_PATH: _URL})
        return {
            split: self._generate_examples(paths[_PATH], split)
            for split in ("train", "validation", "test")
        }

    def _generate_examples(self, path, split) -> Iterator:
        return hashed_splits.of_split(read(path), split)


def read(path: Path) -> Iterator[tuple[str, dict]]:
    """Reads the file.

    Args:
        path: Path of `housing.csv`.

    Yields:
        Pairs of the split and of the features of the builder.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    for line, row in csv_rows.read(path, COLUMNS):
        features = {
            name: csv_rows.number(path, line, name, row[name])
            for name in NUMBERS
        }
        price = csv_rows.number(
            path, line, "median_house_value", row["median_house_value"]
        )
        features["price"] = price / _DOLLARS
        features["region"] = csv_rows.one_of(
            path, line, "ocean_proximity", row["ocean_proximity"], REGIONS
        )
        yield _split(row), features


def _split(row) -> str:
    place = f"{row['longitude']},{row['latitude']}"
    return hashed_splits.part(place, _VALIDATION, _TEST)
