"""TensorFlow Datasets builder of `survival_cohorts`."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import hashed_splits, originals

_DESCRIPTION = """
Patients of four studies, each with inputs of its own and one time of survival,
which may be censored: METABRIC (breast cancer, 9 numbers), SUPPORT (seriously
ill patients, 14), GBSG (breast cancer, trained on the Rotterdam tumour bank,
7) and WHAS (heart attacks, 6), as the authors of DeepSurv published them. An
example belongs to one study; the inputs and the labels of the others are NaN.
The test split is that of the source. A tenth of the training part, drawn by a
hash of the row, is for validation: equal rows are in the same split. Of WHAS
229 of the 328 rows for the test occur in the training part too, which is as
published.
"""

_CITATION = """
@article{katzman2018deepsurv,
  title = {{DeepSurv}: personalized treatment recommender system using a {Cox}
           proportional hazards deep neural network},
  author = {Katzman, Jared L. and Shaham, Uri and Cloninger, Alexander and
            Bates, Jonathan and Jiang, Tingting and Kluger, Yuval},
  journal = {BMC Medical Research Methodology},
  volume = {18},
  number = {24},
  year = {2018},
}
"""

# A commit, so that the files can never change.
_URL = (
    "https://raw.githubusercontent.com/jaredleekatzman/DeepSurv/41eed00/"
    "experiments/data"
)


class Cohort(NamedTuple):
    """One study.

    Args:
        file: String, the name of its file.
        size: Integer, the numbers of a patient.
        sha256: String, the sum of the original. A damaged file in this format
            may be read without an error.
    """

    file: str
    size: int
    sha256: str


COHORTS = {
    "metabric": Cohort(
        "metabric_IHC4_clinical_train_test.h5",
        9,
        "e959131973c906c7e8b1e662c81160914768156a6da145a9bfed9b9ee8bf3e72",
    ),
    "support": Cohort(
        "support_train_test.h5",
        14,
        "e398f49930e4efc4ecd675a72ac547f0d1ae25ccf13f6a1024cded12ea88a83e",
    ),
    "gbsg": Cohort(
        "gbsg_cancer_train_test.h5",
        7,
        "bd455f4395322a8b23040c15cedbef00ad51a447d02c95f1f1d686a6b196484b",
    ),
    "whas": Cohort(
        "whas_train_test.h5",
        6,
        "2ed86f073fdbe34be10f7e485eeaf67b61004521390c46b9a18aa9b82d5e8f9c",
    ),
}


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `survival_cohorts`.

    The files are downloaded, or read from the folder `manual/deepsurv` of the
    downloads where that holds the four.

    Features of an example, NaN for the cohorts that it does not belong to:
    `metabric_input`, `support_input`, `gbsg_input` and `whas_input`, float32
    vectors; the labels `metabric`, `support`, `gbsg` and `whas`, float32 of
    shape (2,): a time, and 1 if the event happened then or 0 if it was not
    observed until then.
    """

    name = "survival_cohorts"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    SOURCE = "deepsurv"
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: what is not in this folder is downloaded. It may hold "
        "the four files of deepsurv."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        def vector(size):
            return tfds.features.Tensor(shape=(size,), dtype=np.float32)

        features = {name: vector(2) for name in COHORTS}
        for name, cohort in COHORTS.items():
            features[f"{name}_input"] = vector(cohort.size)
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://github.com/jaredleekatzman/DeepSurv",
            citation=_CITATION,
            license="MIT",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        urls = {
            cohort.file: f"{_URL}/{name}/{cohort.file}"
            for name, cohort in COHORTS.items()
        }
        paths = originals.find(dl_manager, self.SOURCE, urls)
        return {
            split: self._generate_examples(paths, split)
            for split in ("train", "validation", "test")
        }

    def _generate_examples(self, paths, split) -> Iterator:
        for name, cohort in COHORTS.items():
            rows = read(paths[cohort.file], cohort)
            for number, (part, features, label) in enumerate(rows):
                if part == split:
                    yield f"{name}-{number}", _example(name, features, label)


def _example(name, features, label) -> dict:
    example = {}
    for other, cohort in COHORTS.items():
        example[other] = np.full(2, np.nan, np.float32)
        example[f"{other}_input"] = np.full(cohort.size, np.nan, np.float32)
    return {**example, name: label, f"{name}_input": features}


def read(path: Path, cohort: Cohort) -> Iterator[tuple]:
    """Reads the file of a cohort.

    Args:
        path: Path of the file.
        cohort: `Cohort`.

    Yields:
        Triples of the split, the inputs, float32 of shape `(size,)`, and the
        label, float32 of shape `(2,)`.

    Raises:
        ValueError: If the file is missing or not the original.
    """
    if not Path(path).is_file():
        raise originals.missing(path)
    originals.check_sum(path, cohort.sha256)
    with h5py.File(path) as file:
        for part in ("train", "test"):
            inputs, times, events = (file[part][key][:] for key in "xte")
            labels = np.stack([times, events], axis=1).astype(np.float32)
            for features, label in zip(inputs, labels, strict=True):
                split = part
                if part == "train" and _is_validation(features, label):
                    split = "validation"
                yield split, features, label


def _is_validation(features, label) -> bool:
    row = features.tobytes() + label.tobytes()
    return hashed_splits.part(row, 26) == "validation"
