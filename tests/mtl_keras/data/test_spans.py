"""Spans out of probabilities: their names, texts and places."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task
from mtl_keras.data import SentencePreprocessor, SpanDecoder
from mtl_keras.metrics.spans import TagSet

TAGS = ("O", "B-artist", "I-artist", "B-city", "I-city")
TASKS = (
    Task("intent", "classification", class_names=("Play", "Rate")),
    Task("slot", "tagging", class_names=TAGS),
)


def _decoded(sentences, tags):
    _, context = SentencePreprocessor(["play"])(tf.constant(sentences))
    width = context["starts"].shape[1]
    rows = [row + [0] * (width - len(row)) for row in tags]
    outputs = {
        "slot": tf.one_hot(rows, len(TAGS)),
        "intent": tf.constant([[0.2, 0.8]] * len(sentences)),
    }
    return SpanDecoder(TASKS)(outputs, context)


@pytest.mark.slow
def test_spans_have_names_texts_and_places():
    answers = _decoded(
        ["Play  Étienne de Crécy, in Paris!", "play"], [[0, 1, 2, 2, 0, 3], [0]]
    )
    texts = [[b.decode() for b in row] for row in answers["slot_texts"].numpy()]
    assert texts == [["Étienne de Crécy", "Paris"], ["", ""]]
    assert answers["slot_names"].numpy().tolist() == [
        [b"artist", b"city"],
        [b"", b""],
    ]
    np.testing.assert_array_equal(answers["slot_starts"], [[6, 27], [-1, -1]])
    np.testing.assert_array_equal(answers["slot_ends"], [[22, 32], [-1, -1]])
    assert answers["intent_name"].numpy().tolist() == [b"Rate", b"Rate"]


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(5))
def test_spans_are_those_of_the_metric(seed):
    tags = np.random.default_rng(seed).integers(0, 5, (4, 6))
    sentences = ["a b c d e f"] * 4
    answers = _decoded(sentences, tags.tolist())
    found = [
        (row, name.decode(), start // 2, (end - 1) // 2)
        for row in range(4)
        for name, start, end in zip(
            answers["slot_names"][row].numpy(),
            answers["slot_starts"][row].numpy(),
            answers["slot_ends"][row].numpy(),
            strict=True,
        )
        if name
    ]
    spans = TagSet(TAGS).find(tags.reshape(-1), np.repeat(np.arange(4), 6))
    kinds = ("artist", "city")
    expected = [(a // 6, kinds[k], a % 6, b % 6) for a, b, k in spans]
    assert found == expected


def test_padding_is_no_span():
    answers = _decoded(["a b c", "a"], [[0, 0, 0], [0, 1, 2]])
    assert answers["slot_names"].shape == (2, 0)


def test_dense_input_has_no_text_to_find_spans_in():
    outputs = {"slot": tf.zeros((1, 3, 5)), "intent": tf.ones((1, 2))}
    assert set(SpanDecoder(TASKS)(outputs)) == {"intent_name", "intent_score"}


def test_config_makes_the_same_decoder():
    decoder = SpanDecoder(TASKS)
    again = SpanDecoder.from_config(decoder.get_config())
    assert again.get_config() == decoder.get_config()
