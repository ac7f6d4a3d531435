"""TensorFlow Datasets builder of `adult_joint`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import csv_rows, hashed_splits, originals

_DESCRIPTION = """
Adults of the United States census of 1994, of whom the income is more than
50,000 dollars a year or not, and who have never married or have. These are the
two tasks that papers on mixtures of experts take from the census; the columns
marital-status and relationship, which name the second answer, are left out.
The test split is that of the source. A tenth of its training file, drawn by a
hash of the row, is for validation: equal rows are in the same split.
"""

_CITATION = """
@misc{adult1996,
  author = {Becker, Barry and Kohavi, Ronny},
  title = {Adult},
  year = {1996},
  publisher = {UCI Machine Learning Repository},
  doi = {10.24432/C5XW20},
}
@inproceedings{ma2018mmoe,
  title = {Modeling Task Relationships in Multi-task Learning with Multi-gate
           Mixture-of-Experts},
  author = {Ma, Jiaqi and Zhao, Zhe and Yi, Xinyang and Chen, Jilin and
            Hong, Lichan and Chi, Ed H.},
  booktitle = {KDD},
  year = {2018},
}
"""

# A commit, so that the files can never change; checksums.tsv has their sums.
# UCI's own `adult.test` begins with a line that is no row.
_URL = "https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6"
_FILES = ("adult.data", "adult.test")
# Those of the source, with "_" for "-", which is legal in a served argument.
COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
)
NUMBERS = (
    "age",
    "fnlwgt",
    "education_num",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
)
_LABELS = ("marital_status", "relationship", "income")
CATEGORIES = tuple(name for name in COLUMNS if name not in (*NUMBERS, *_LABELS))
_INCOMES = ("<=50K", ">50K")


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `adult_joint`.

    The files are downloaded, or read from the folder `manual/adult` of the
    downloads where that holds `adult.data` and `adult.test`.

    Features of an example: the columns, float32 scalars and strings (the empty
    one is missing), and the labels `income` (1 above 50,000 dollars) and
    `never_married`, int32 scalars.
    """

    name = "adult_joint"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    SOURCE = "adult"
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: what is not in this folder is downloaded. It may hold "
        "adult/adult.data and adult/adult.test."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        scalar = tfds.features.Scalar
        features = {
            **{name: scalar(np.float32) for name in NUMBERS},
            **{name: tfds.features.Text() for name in CATEGORIES},
            "income": scalar(np.int32),
            "never_married": scalar(np.int32),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://archive.ics.uci.edu/dataset/2/adult",
            citation=_CITATION,
            license="CC-BY-4.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        paths = originals.find(
            dl_manager,
            self.SOURCE,
            {name: f"{_URL}/{name}" for name in _FILES},
        )
        return {
            "train": self._generate_examples(paths["adult.data"], False),
            "validation": self._generate_examples(paths["adult.data"], True),
            "test": self._generate_examples(paths["adult.test"], None),
        }

    def _generate_examples(self, path, is_validation) -> Iterator:
        for number, (part, features) in enumerate(read(path)):
            if is_validation in (None, part):
                yield number, features


def read(path: Path) -> Iterator[tuple[bool, dict]]:
    """Reads one of the two files.

    UCI's own `adult.test`, whose first line is no row, is read as well.

    Args:
        path: Path of `adult.data` or `adult.test`.

    Yields:
        Pairs of whether the row is in the tenth for validation, and the
        features of the builder.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    rows = csv_rows.read(
        path, COLUMNS, header=False, comment="|", encoding="ascii"
    )
    for line, row in rows:
        features = {
            name: csv_rows.number(path, line, name, row[name])
            for name in NUMBERS
        }
        for name in CATEGORIES:
            features[name] = "" if row[name] == "?" else row[name]
        income = csv_rows.one_of(
            # The rows of the test file end with a full stop.
            path,
            line,
            "income",
            row["income"].rstrip("."),
            _INCOMES,
        )
        features["income"] = _INCOMES.index(income)
        features["never_married"] = int(
            row["marital_status"] == "Never-married"
        )
        yield _is_validation(row), features


def _is_validation(row) -> bool:
    # Of the inputs alone: equal ones are in one split.
    text = ",".join(row[name] for name in (*NUMBERS, *CATEGORIES))
    return hashed_splits.part(text, 26) == "validation"
