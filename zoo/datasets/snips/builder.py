"""TensorFlow Datasets builder of `snips`."""

from collections.abc import Iterator
from pathlib import Path

import tensorflow_datasets as tfds

from mtl_keras.messages import listed
from zoo.datasets import originals
from zoo.datasets.snips import names

_DESCRIPTION = """
Sentences that people say to a voice assistant, each with an intent (one of 7)
and a tag for each word: whether it begins, continues or is no part of one of
39 kinds of slots (`B-artist`, `I-artist`, `O`). Collected by Snips and divided
as has been customary since the Slot-Gated model: 13,084 for training, 700 for
validation and 700 for the test. The sentences are written small and without
most punctuation.
"""

_CITATION = """
@article{coucke2018snips,
  title = {Snips Voice Platform: an embedded Spoken Language Understanding
           system for private-by-design voice interfaces},
  author = {Coucke, Alice and Saade, Alaa and Ball, Adrien and others},
  journal = {arXiv preprint arXiv:1805.10190},
  year = {2018},
}
@inproceedings{goo2018slot,
  title = {Slot-Gated Modeling for Joint Slot Filling and Intent Prediction},
  author = {Goo, Chih-Wen and Gao, Guang and Hsu, Yun-Kai and Huo, Chih-Li and
            Chen, Tsung-Chieh and Hsu, Keng-Wei and Chen, Yun-Nung},
  booktitle = {NAACL-HLT},
  year = {2018},
}
"""

# A commit, so that the files can never change; checksums.tsv has their sha256.
_URL = (
    "https://raw.githubusercontent.com/MiuLab/SlotGated-SLU/61f0307/data/snips"
)
_FOLDERS = {"train": "train", "validation": "valid", "test": "test"}
_FILES = ("seq.in", "seq.out", "label")
_TAGS = frozenset(names.TAGS)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `snips`.

    The files are downloaded, or read from the folder `manual/snips` of the
    downloads where that holds `train/seq.in` and its like
    (`download_and_prepare(download_config=tfds.download.DownloadConfig(
    manual_dir=...))` names another folder).

    Features of an example:

    - `tokens`: strings, the words of the sentence.
    - `tags`: class numbers of the words, by `names.TAGS`.
    - `intent`: class number of the sentence, by `names.INTENTS`.
    """

    name = "snips"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "The customary split."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: what is not in this folder is downloaded. It may hold "
        "train/seq.in, train/seq.out, train/label, and the like in valid and "
        "test."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "tokens": tfds.features.Sequence(tfds.features.Text()),
            "tags": tfds.features.Sequence(
                tfds.features.ClassLabel(names=names.TAGS)
            ),
            "intent": tfds.features.ClassLabel(names=names.INTENTS),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://github.com/sonos/nlu-benchmark",
            citation=_CITATION,
            license="CC0-1.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        paths = [f"{f}/{name}" for f in _FOLDERS.values() for name in _FILES]
        files = originals.find(
            dl_manager, self.name, {path: f"{_URL}/{path}" for path in paths}
        )
        return {
            split: self._generate_examples(
                *(files[f"{folder}/{name}"] for name in _FILES)
            )
            for split, folder in _FOLDERS.items()
        }

    def _generate_examples(
        self, sentences: Path, tags: Path, intents: Path
    ) -> Iterator:
        yield from enumerate(read(sentences, tags, intents))


def read(sentences: Path, tags: Path, intents: Path) -> Iterator[dict]:
    """Reads the three files of a split.

    Args:
        sentences: Path of `seq.in`.
        tags: Path of `seq.out`.
        intents: Path of `label`.

    Yields:
        Dicts, the features of the builder.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    paths = (sentences, tags, intents)
    parts = [list(originals.lines(path)) for path in paths]
    sizes = list(map(len, parts))
    if len(set(sizes)) > 1:
        raise originals.damage(
            paths[sizes.index(min(sizes))],
            f"{max(sizes)} lines, as in its neighbours",
            f"{min(sizes)} lines",
        )
    for (line, sentence), (_, tag_line), (_, intent) in zip(
        *parts, strict=True
    ):
        tokens, labels = sentence.split(), tag_line.split()
        if len(tokens) != len(labels):
            raise originals.damage(
                tags,
                f"a tag for each of {len(tokens)} words",
                f"{len(labels)} tags",
                line,
            )
        for tag in labels:
            if tag not in _TAGS:
                raise originals.damage(tags, "known tags", repr(tag), line)
        if intent.strip() not in names.INTENTS:
            raise originals.damage(
                intents, f"one of {listed(names.INTENTS)}", repr(intent), line
            )
        yield {"tokens": tokens, "tags": labels, "intent": intent.strip()}
