"""The sentences of `ewt_joint` with their dependency trees."""

import importlib.resources
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets.ewt_joint import builder, names, treebank


class Sentences(tfds.core.GeneratorBasedBuilder):
    """Builds `ewt_sentences`: an example for each sentence of UD_English-EWT.

    It reads the same files as `builder.Builder`.

    Features of an example:

    - `tokens`: strings, the words.
    - `pos`: class numbers of the words, by `names.PARTS_OF_SPEECH`.
    - `feats`: class numbers of the words' features, all of a word as one
      class, by `word_features()`.
    - `head`: int32, the number of each word's head, from 1; 0 is the root.
    - `rel`: class numbers of the relations, by `names.RELATIONS`.
    - `id`: the sentence's name in the treebank.
    """

    name = "ewt_sentences"
    SOURCE = "ewt"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "The treebank's splits."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = builder.Builder.MANUAL_DOWNLOAD_INSTRUCTIONS

    def _info(self) -> tfds.core.DatasetInfo:
        def of_words(feature):
            return tfds.features.Sequence(feature)

        features = {
            "tokens": of_words(tfds.features.Text()),
            "pos": of_words(
                tfds.features.ClassLabel(names=names.PARTS_OF_SPEECH)
            ),
            "feats": of_words(tfds.features.ClassLabel(names=word_features())),
            "head": of_words(tfds.features.Scalar(np.int32)),
            "rel": of_words(tfds.features.ClassLabel(names=names.RELATIONS)),
            "id": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=builder.DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://universaldependencies.org/treebanks/en_ewt",
            citation=builder.CITATION,
            license="CC-BY-SA-4.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        files, skeletons = builder.find(dl_manager, self.SOURCE)
        return {
            split: self._generate_examples(
                *(files[path] for path in paths), skeletons
            )
            for split, paths in builder.FILES.items()
        }

    def _generate_examples(
        self, conllu: Path, iob: Path, skeletons: dict
    ) -> Iterator:
        known = {*word_features()}
        for sentence in treebank.read(conllu, iob, skeletons):
            treebank.check_tree(conllu, sentence)
            yield (
                sentence["id"],
                {
                    "tokens": sentence["tokens"],
                    "pos": sentence["pos"],
                    "feats": [
                        each if each in known else names.OTHER_FEATURES
                        for each in sentence["features"]
                    ],
                    "head": sentence["head"],
                    "rel": sentence["relation"],
                    "id": sentence["id"],
                },
            )


def word_features() -> tuple[str, ...]:
    """Returns the classes of `feats`: what the training split has, and others.

    Returns:
        Tuple of strings such as `"Number=Sing"`, `"_"` for none.
    """
    package = importlib.resources.files("zoo.datasets.ewt_joint")
    text = package.joinpath("features.txt").read_text(encoding="utf-8")
    return (*text.split("\n")[:-1], names.OTHER_FEATURES)
