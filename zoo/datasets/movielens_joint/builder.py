"""TensorFlow Datasets builder of `movielens_joint`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import originals
from zoo.datasets.movielens_joint import files, names

_DESCRIPTION = """
MovieLens 100K: 100,000 ratings of 1,682 films by 943 users, from 1 to 5, each
with what is known of the user and of the film. Three tasks: the rating, whether
it is at least 4 (liked), and the user's rating of each genre of the film
(genre_affinity), which is missing for the genres that the film has not.

`fold1` to `fold5` are the test parts of the five standard folds, u1.test to
u5.test. `test` is the first one; `validation` is a tenth of the others, every
tenth rating in the order of u.data, and `train` is the rest. Another fold is
chosen by a recipe's `splits`, such as `test="fold2"` and
`train="fold1+fold3+fold4+fold5"`.
"""

_CITATION = """
@article{harper2015movielens,
  title = {The MovieLens Datasets: History and Context},
  author = {Harper, F. Maxwell and Konstan, Joseph A.},
  journal = {ACM Transactions on Interactive Intelligent Systems},
  volume = {5},
  number = {4},
  year = {2015},
  doi = {10.1145/2827872},
}
"""

_URL = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `movielens_joint`.

    The archive is downloaded from GroupLens, whose terms allow research and no
    redistribution; or the files are read from the folder
    `manual/movielens_100k` of the downloads where that holds `u.data`,
    `u.user`, `u.item` and `u1.test` to `u5.test`.

    Features of an example: the columns of `names.COLUMNS` (ids int32, numbers
    float32, else strings, the empty one being missing), and the labels
    `rating`, a float32 scalar, `liked`, an int32 scalar, and
    `genre_affinity`, float32 of shape `(19,)` in the order of `names.GENRES`.
    """

    name = "movielens_joint"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    SOURCE = "movielens_100k"
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: what is not in this folder is downloaded. It may hold "
        "movielens_100k/u.data and the other files of ml-100k.zip."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        scalar = tfds.features.Scalar
        features = {
            "user": scalar(np.int32),
            "age": scalar(np.float32),
            "gender": tfds.features.Text(),
            "occupation": tfds.features.Text(),
            "item": scalar(np.int32),
            "released": tfds.features.Text(),
            **{name: scalar(np.float32) for name in names.GENRE_COLUMNS},
            "rating": scalar(np.float32),
            "liked": scalar(np.int32),
            "genre_affinity": tfds.features.Tensor(
                shape=(len(names.GENRES),), dtype=np.float32
            ),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://grouplens.org/datasets/movielens/100k/",
            citation=_CITATION,
            license="research use, no redistribution (GroupLens)",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        # Once: all splits are parts of the same ratings.
        ratings = list(files.read(_folder(dl_manager, self.SOURCE)))
        splits = ["train", "validation", "test"]
        splits += [f"fold{n}" for n in range(1, names.NUM_FOLDS + 1)]
        return {
            split: self._generate_examples(ratings, split) for split in splits
        }

    def _generate_examples(self, ratings: list, split: str) -> Iterator:
        for number, (fold, features) in enumerate(ratings):
            if split in (f"fold{fold}", _split(number, fold)):
                yield number, features


def _split(number, fold) -> str:
    """Returns the split of a rating where the first fold is the test."""
    if fold == 1:
        return "test"
    return "validation" if number % 10 == 0 else "train"


def _folder(dl_manager, source) -> Path:
    for folder in originals.manual_folders(dl_manager, source):
        if all((folder / name).is_file() for name in files.FILES):
            return folder
    unpacked = originals.download(
        dl_manager.download_and_extract, source, {"archive": _URL}, files.FILES
    )["archive"]
    return unpacked / "ml-100k"
