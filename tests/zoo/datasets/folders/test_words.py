"""Words that a preprocessor cuts into pieces keep their tags."""

import numpy as np
import pytest

from zoo.datasets import folders
from zoo.datasets.folders import words
from zoo.datasets.folders.records import Example, Place

_SEPARATORS = ".,'!"


def _example(tokens, tags):
    return Example(
        Place("a"), {"tokens": tokens.split()}, {"slot": tags.split()}
    )


@pytest.mark.parametrize(
    ("tokens", "tags", "new_tokens", "new_tags"),
    [
        ("I don't .", "O O O", "I don t", "O O O"),
        ("o'hare st. .", "B-at I-at O", "o hare st", "B-at I-at I-at"),
        # The first word of a span goes, and another one stands before it.
        ("rome ' oslo", "B-c B-c I-c", "rome oslo", "B-c B-c"),
        ("rome . oslo", "B-c O B-c", "rome oslo", "B-c B-c"),
    ],
)
def test_tags_go_along(tokens, tags, new_tokens, new_tags):
    split = words.Resplit(_SEPARATORS, {"slot": False})
    example = split(_example(tokens, tags))
    assert example.inputs["tokens"] == new_tokens.split()
    assert example.labels["slot"] == new_tags.split()


def test_plain_tags_are_repeated():
    split = words.Resplit(_SEPARATORS, {"slot": True})
    example = split(_example("it's B-52 .", "PRON B-side PUNCT"))
    assert example.inputs["tokens"] == ["it", "s", "B-52"]
    assert example.labels["slot"] == ["PRON", "PRON", "B-side"]


def test_a_sentence_without_words_is_left_out(tmp_path):
    (tmp_path / "train.conll").write_text("so O\n! O\n\n. O\n")
    kinds = {"slot": "tagging"}
    source = folders.read(tmp_path, kinds, "text", separators=_SEPARATORS)
    assert [e.inputs["tokens"] for e in source.examples()] == [["so"]]


@pytest.mark.slow
def test_pieces_are_those_of_the_sentence_preprocessor(tmp_path):
    from mtl_keras.data import SentencePreprocessor, text

    lines = ["it's 7:30, o'clock! O", "a\u00a0b O", "x_y-z... O", "(c) O"]
    (tmp_path / "train.conll").write_text(
        "\n".join("\t".join(line.rsplit(" ", 1)) for line in lines)
    )
    kinds = {"slot": "tagging"}
    source = folders.read(tmp_path, kinds, "text", separators=text.SEPARATORS)
    (example,) = source.examples()
    preprocessor = SentencePreprocessor(["it"])
    inputs, _ = preprocessor({"text": [" ".join(example.inputs["tokens"])]})
    assert np.shape(inputs["words"])[1] == len(example.inputs["tokens"])
    whole = " ".join(line.rsplit(" ", 1)[0] for line in lines)
    inputs, _ = preprocessor({"text": [whole]})
    assert np.shape(inputs["words"])[1] == len(example.inputs["tokens"])


def test_vocabulary_is_that_of_the_training_split(tmp_path):
    rows = ["text\tintent\tsplit"]
    rows += ["Play some jazz\tPlay\ttrain", "play blues\tPlay\ttrain"]
    rows += ["stop jazz jazz\tStop\ttrain"] * 2
    rows += ["rare rare\tStop\ttest", "other other\tPlay\tval"]
    (tmp_path / "a.tsv").write_text("\n".join(rows))
    source = folders.read(tmp_path, {"intent": "classification"}, "text")
    training = source.training(tmp_path / "tfds")
    assert words.vocabulary(training) == ("jazz", "play", "stop")
