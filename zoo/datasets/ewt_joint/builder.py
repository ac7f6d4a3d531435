"""TensorFlow Datasets builder of `ewt_joint`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import originals
from zoo.datasets.ewt_joint import names, treebank

DESCRIPTION = """
English sentences of the web: answers, emails, newsgroups, reviews and weblogs
(English Web Treebank). Three annotations are joined by sentence: parts of
speech of Universal Dependencies, entities (persons, places, organisations) of
Universal NER, and semantic roles of PropBank. The splits are the treebank's,
which divide documents. The training split's entities are those of the first
release, which are noisier than those of the others.
"""

CITATION = """
@inproceedings{silveira2014gold,
  title = {A Gold Standard Dependency Corpus for {E}nglish},
  author = {Silveira, Natalia and Dozat, Timothy and de Marneffe,
            Marie-Catherine and Bowman, Samuel and Connor, Miriam and Bauer,
            John and Manning, Chris},
  booktitle = {LREC},
  year = {2014},
}
@inproceedings{mayhew2024universal,
  title = {Universal {NER}: A Gold-Standard Multilingual Named Entity
           Recognition Benchmark},
  author = {Mayhew, Stephen and Blevins, Terra and Liu, Shuheng and others},
  booktitle = {NAACL},
  year = {2024},
}
@article{palmer2005proposition,
  title = {The Proposition Bank: An Annotated Corpus of Semantic Roles},
  author = {Palmer, Martha and Gildea, Daniel and Kingsbury, Paul},
  journal = {Computational Linguistics},
  year = {2005},
}
"""

_RAW = "https://raw.githubusercontent.com"
_UD = f"{_RAW}/UniversalDependencies/UD_English-EWT/c491d62"
_UNER = f"{_RAW}/UniversalNER/UNER_English-EWT"
# GitHub packs the archive when it is asked for, and does not promise the same
# bytes: `_SKELETONS` is the sum of what is read of it.
_PROPBANK = "https://github.com/propbank/propbank-release/archive/4abade0.zip"
_SKELETONS = "462f6c6f80a3f70f56b8ab7907e475f798aada4ae0dcda7aa81943a194ce763a"
SKELETON_FILE = "propbank/propbank_ewt_gold_skel.tar.gz"
FILES = {
    "train": (
        "ud/en_ewt-ud-train.conllu",
        "uner/en_ewt-ud-train.first-commit.iob2",
    ),
    "validation": ("ud/en_ewt-ud-dev.conllu", "uner/en_ewt-ud-dev.iob2"),
    "test": ("ud/en_ewt-ud-test.conllu", "uner/en_ewt-ud-test.iob2"),
}
URLS = {
    "ud/en_ewt-ud-train.conllu": f"{_UD}/en_ewt-ud-train.conllu",
    "ud/en_ewt-ud-dev.conllu": f"{_UD}/en_ewt-ud-dev.conllu",
    "ud/en_ewt-ud-test.conllu": f"{_UD}/en_ewt-ud-test.conllu",
    # The first commit; later ones leave the words out of this file.
    "uner/en_ewt-ud-train.first-commit.iob2": (
        f"{_UNER}/0c7ce0d/en_ewt-ud-train.iob2"
    ),
    "uner/en_ewt-ud-dev.iob2": f"{_UNER}/8ed072d/en_ewt-ud-dev.iob2",
    "uner/en_ewt-ud-test.iob2": f"{_UNER}/8ed072d/en_ewt-ud-test.iob2",
}
_MISSING = -1


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `ewt_joint`: an example for each predicate of each sentence.

    The files are downloaded, or read from the folder `manual/ewt` of the
    downloads where that holds all of `ud/en_ewt-ud-train.conllu`,
    `uner/en_ewt-ud-train.first-commit.iob2`,
    `propbank/propbank_ewt_gold_skel.tar.gz` and their like.

    A sentence has an example for each of its predicates, and one where it has
    none. The first of them alone has the class: counted with each predicate,
    the classes of the training sentences are soon learnt by heart. Parts of
    speech and entities are those of all examples in training, and of the first
    one alone in the other splits, where each counts once in a metric.

    Features of an example:

    - `tokens`: strings, the words.
    - `predicate`: int32, index of the word whose roles are labelled, -1 where
      a sentence has no predicate.
    - `cls`: class number of the genre, by `names.GENRES`.
    - `pos`, `ner`, `srl`: class numbers of the words, by
      `names.PARTS_OF_SPEECH`, `names.ENTITY_TAGS` and `names.ROLE_TAGS`. The
      predicate itself has no role. Of a sentence without a predicate no word
      has a role.
    - `id`: the sentence's name in the treebank.

    -1 stands where a label is missing.
    """

    name = "ewt_joint"
    SOURCE = "ewt"
    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {
        "1.0.0": "The treebank's splits.",
        "1.1.0": "A sentence's class counts once in training too.",
    }
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: the files are downloaded. The folder may hold them: "
        f"{', '.join([*URLS, SKELETON_FILE])}."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        def of_words(classes):
            return tfds.features.Sequence(
                tfds.features.ClassLabel(names=classes)
            )

        features = {
            "tokens": tfds.features.Sequence(tfds.features.Text()),
            "predicate": tfds.features.Scalar(np.int32),
            "cls": tfds.features.ClassLabel(names=names.GENRES),
            "pos": of_words(names.PARTS_OF_SPEECH),
            "ner": of_words(names.ENTITY_TAGS),
            "srl": of_words(names.ROLE_TAGS),
            "id": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://universaldependencies.org/treebanks/en_ewt",
            citation=CITATION,
            license="CC-BY-SA-4.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        files, skeletons = find(dl_manager, self.SOURCE)
        return {
            split: self._generate_examples(
                *(files[path] for path in paths),
                skeletons,
                is_training=split == "train",
            )
            for split, paths in FILES.items()
        }

    def _generate_examples(
        self, conllu: Path, iob: Path, skeletons: dict, *, is_training: bool
    ) -> Iterator:
        for sentence in treebank.read(conllu, iob, skeletons):
            for number, example in enumerate(
                of_predicates(sentence, is_training=is_training)
            ):
                yield f"{sentence['id']}-{number}", example


def find(dl_manager, name: str) -> tuple[dict, dict]:
    """Finds the files of treebank and entities, and reads the roles.

    Args:
        dl_manager: `tfds.download.DownloadManager`.
        name: String, the folder's name within the manual folder.

    Returns:
        Pair of a dict from path within the folder to `pathlib.Path`, and the
        dict of `treebank.read_skeletons`.

    Raises:
        ValueError: If the roles are missing or are not the original ones.
        OSError: If the files cannot be downloaded.
    """
    files = originals.find(dl_manager, name, URLS)
    for folder in originals.manual_folders(dl_manager, name):
        if (folder / SKELETON_FILE).is_file():
            return files, treebank.read_skeletons(
                folder / SKELETON_FILE, _SKELETONS
            )
    unpacked = originals.download(
        dl_manager.download_and_extract,
        name,
        {"archive": _PROPBANK},
        [*URLS, SKELETON_FILE],
    )["archive"]
    return files, treebank.read_skeletons(unpacked, _SKELETONS)


def of_predicates(sentence: dict, *, is_training: bool) -> Iterator[dict]:
    """Makes the examples of a sentence, one a predicate.

    Args:
        sentence: Dict of `treebank.read`.
        is_training: Boolean, whether each has the words' labels that do not
            depend on the predicate; otherwise the first one alone.

    Yields:
        Dicts, the features of the builder.
    """
    tokens, roles = sentence["tokens"], sentence["roles"]
    nothing = [_MISSING] * len(tokens)
    if roles is None:
        examples = [(_MISSING, nothing)]
    else:
        examples = roles or [(_MISSING, ["O"] * len(tokens))]
    for number, (predicate, tags) in enumerate(examples):
        is_first = not number
        has_labels = is_training or is_first
        yield {
            "tokens": tokens,
            "predicate": predicate,
            "cls": sentence["genre"] if is_first else _MISSING,
            "pos": sentence["pos"] if has_labels else nothing,
            "ner": sentence["ner"] if has_labels else nothing,
            "srl": tags,
            "id": sentence["id"],
        }
