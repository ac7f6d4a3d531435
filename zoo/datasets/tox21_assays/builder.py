"""TensorFlow Datasets builders of `tox21_assays`, in four divisions."""

import collections
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import csv_rows, hashed_splits, originals
from zoo.molecules import scaffolds

_DESCRIPTION = """
The molecules of Tox21 as SMILES strings, and whether each was active in twelve
assays: seven of nuclear receptors (NR) and five of the response to stress (SR).
17% of the labels are missing. This is the copy of deepchem at the commit
fbe3b91, 8,014 rows of 7,831 different strings; copies elsewhere have other
labels, so that metrics compare with those of the same copy only. Divided by a
hash of the string, so that equal strings are in one split: about 80% for
training, 10% for validation and 10% for the test. `tox21_assays_2` and
`tox21_assays_3` are two other divisions of the same molecules.
`tox21_assays_scaffold` divides them by a hash of the Bemis-Murcko scaffold, so
that molecules with the same rings and linkers are in one split; without rings
by the string. Scaffolds of more than 5% of the molecules, which is benzene's,
are for training.
"""

_CITATION = """
@article{wu2018moleculenet,
  title = {{MoleculeNet}: a benchmark for molecular machine learning},
  author = {Wu, Zhenqin and Ramsundar, Bharath and Feinberg, Evan N. and
            Gomes, Joseph and Geniesse, Caleb and Pappu, Aneesh S. and
            Leswing, Karl and Pande, Vijay},
  journal = {Chemical Science},
  volume = {9},
  number = {2},
  pages = {513--530},
  year = {2018},
}
"""

_PATH = "tox21.csv.gz"
# A commit, so that the file can never change.
_URL = (
    "https://raw.githubusercontent.com/deepchem/deepchem/fbe3b91/datasets/"
    f"{_PATH}"
)
ASSAYS = (
    "NR-AR",
    "NR-AR-LBD",
    "NR-AhR",
    "NR-Aromatase",
    "NR-ER",
    "NR-ER-LBD",
    "NR-PPAR-gamma",
    "SR-ARE",
    "SR-ATAD5",
    "SR-HSE",
    "SR-MMP",
    "SR-p53",
)
COLUMNS = (*ASSAYS, "mol_id", "smiles")
_CELLS = ("", "0", "1")
# Of 256 examples.
_TEST, _VALIDATION = 26, 25
# Of the scaffolds more, since those of the most molecules are for training.
_SCAFFOLD_TEST, _SCAFFOLD_VALIDATION = 32, 32
# The fraction of the molecules above which a scaffold is for training.
_LARGEST = 0.05


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `tox21_assays`.

    The file is downloaded, or read from the folder `manual/tox21` of the
    downloads where that holds `tox21.csv.gz`.

    Features of an example: `smiles`, a string, and the label `assays`, int32 of
    shape (12,): 1 where the molecule was active in one of `ASSAYS`, 0 where it
    was not, -1 where it was not measured.
    """

    name = "tox21_assays"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}
    SOURCE = "tox21"
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: what is not in this folder is downloaded. It may hold "
        "tox21/tox21.csv.gz."
    )
    #: Divides the molecules in another way.
    SALT = ""

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "smiles": tfds.features.Text(),
            "assays": tfds.features.Tensor(
                shape=(len(ASSAYS),), dtype=np.int32
            ),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://github.com/deepchem/deepchem",
            citation=_CITATION,
            license="MIT",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        paths = originals.find(dl_manager, self.SOURCE, {_PATH: _URL})
        divided = [*self._divided(read(paths[_PATH]))]
        return {
            split: self._generate_examples(divided, split)
            for split in ("train", "validation", "test")
        }

    def _generate_examples(self, divided, split) -> Iterator:
        yield from hashed_splits.of_split(divided, split)

    def _divided(self, examples: Iterable[dict]) -> Iterator[tuple[str, dict]]:
        for features in examples:
            yield division(features["smiles"], self.SALT), features


class SecondDivision(Builder):
    """Builds `tox21_assays_2`: the same molecules, divided in another way."""

    name = "tox21_assays_2"
    SALT = "2"


class ThirdDivision(Builder):
    """Builds `tox21_assays_3`: the same molecules, divided in another way."""

    name = "tox21_assays_3"
    SALT = "3"


class ScaffoldDivision(Builder):
    """Builds `tox21_assays_scaffold`: the same molecules, by their scaffolds.

    No scaffold is in two splits, so that its test asks for molecules unlike
    those of training.
    """

    name = "tox21_assays_scaffold"

    def _divided(self, examples: Iterable[dict]) -> Iterator[tuple[str, dict]]:
        examples = [*examples]
        splits = scaffold_divisions([row["smiles"] for row in examples])
        yield from zip(splits, examples, strict=True)


def read(path: Path) -> Iterator[dict]:
    """Reads the file.

    Args:
        path: Path of `tox21.csv.gz`.

    Yields:
        Dicts, the features of the builder.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    for line, row in csv_rows.read(path, COLUMNS):
        if not row["smiles"]:
            raise originals.damage(path, "a SMILES string", "nothing", line)
        cells = [
            csv_rows.one_of(path, line, name, row[name], _CELLS)
            for name in ASSAYS
        ]
        labels = [-1 if cell == "" else int(cell) for cell in cells]
        yield {"smiles": row["smiles"], "assays": np.array(labels, np.int32)}


def division(smiles: str, salt: str) -> str:
    """Chooses the split of a molecule.

    Args:
        smiles: String.
        salt: String, which of the divisions.

    Returns:
        String, the split.
    """
    return hashed_splits.part(salt + smiles, _VALIDATION, _TEST)


def scaffold_divisions(smiles: list[str]) -> list[str]:
    """Chooses the splits of molecules by their scaffolds.

    Args:
        smiles: List of strings, all molecules of the data.

    Returns:
        List of strings, the splits.
    """
    keys = scaffolds.keys(smiles)
    sizes = collections.Counter(keys)
    largest = _LARGEST * len(keys)
    return [
        "train"
        if sizes[key] > largest
        else hashed_splits.part(key, _SCAFFOLD_VALIDATION, _SCAFFOLD_TEST)
        for key in keys
    ]
