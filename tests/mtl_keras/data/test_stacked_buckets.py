"""Sequences stacked by length make the batches of the usual pipeline."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task, data
from mtl_keras.data import stacked, stacked_buckets

TASKS = [Task("slot", "tagging", num_classes=4), Task("mood", "presence")]
SENTENCES = [
    " ".join(
        ["play", "jazz", "loud", "été", "now"][(i + j) % 5] for j in range(n)
    )
    for i, n in enumerate(
        [1, 3, 4, 4, 5, 9, 2, 17, 8, 1, 6, 2, 7, 3, 25, 12, 4]
    )
]


def _words(raw, labels):
    """Numbers the words by their length, in the place of a preprocessor."""
    words = tf.strings.length(tf.strings.split(raw["text"]))
    return {"words": words}, labels


def _source(is_text=False, sentences=SENTENCES):
    def examples():
        for number, text in enumerate(sentences):
            tags = np.arange(len(text.split())) % 5 - 1
            labels = {"slot": tags, "mood": (number % 3) - 1}
            yield {"text": text}, labels

    source = tf.data.Dataset.from_generator(
        examples,
        output_signature=(
            {"text": tf.TensorSpec((), tf.string)},
            {
                "slot": tf.TensorSpec((None,), tf.int32),
                "mood": tf.TensorSpec((), tf.int32),
            },
        ),
    ).apply(tf.data.experimental.assert_cardinality(len(sentences)))
    return source if is_text else source.map(_words)


def _pipeline(source=None, *, is_text=False, **options):
    source = source or _source(is_text)
    options = {"bucket_lengths": (4, 8), "batch_size": 3, **options}
    if is_text:
        words = ["play", "jazz", "now"]
        options["preprocessor"] = data.SentencePreprocessor(words)
    return data.pipeline(source, TASKS, **options)


def _hide(inputs, labels, seed):
    """Hides some words at random."""
    drawn = tf.random.stateless_uniform(tf.shape(inputs["words"]), seed)
    words = tf.where(drawn < 0.3, 1, inputs["words"])
    return {**inputs, "words": words}, labels


def _both(monkeypatch, make):
    """Returns the batches of stacked sequences, and those of others."""
    made = []
    kept = stacked_buckets.StackedBuckets

    def counting(*parts):
        made.append(parts)
        return kept(*parts)

    monkeypatch.setattr(stacked_buckets, "StackedBuckets", counting)
    one = make()
    assert made
    monkeypatch.setattr(stacked, "_MOST_BYTES", 0)
    made.clear()
    other = make()
    assert not made
    # Stacked, a size may be known that is not known otherwise.
    tf.nest.map_structure(
        lambda spec, known: spec.is_compatible_with(known) or pytest.fail(),
        other.element_spec,
        one.element_spec,
    )
    assert len(one) == len(other)
    return list(one.as_numpy_iterator()), list(other.as_numpy_iterator())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"training": True, "epoch": 4, "seed": 7},
        {"is_text": True, "training": True, "epoch": 1, "augment": _hide},
        {"training": True, "epoch": 1, "augment": _hide},
        {"training": True, "epoch": 1, "drop_remainder": True},
        {"bucket_lengths": (64,), "training": True, "epoch": 0},
        {"batch_size": 40},
    ],
    ids=[
        "in order",
        "shuffled",
        "text",
        "augmented",
        "full",
        "one bucket",
        "large",
    ],
)
def test_batches_are_those_of_sentences_prepared_batch_by_batch(
    monkeypatch, options
):
    ones, others = _both(monkeypatch, lambda: _pipeline(**options))
    assert len(ones) == len(others) > 0
    for one, other in zip(ones, others, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_joined_epochs_are_single_epochs(monkeypatch):
    def make():
        source = _source()
        return data.epochs(
            lambda epoch: _pipeline(source, training=True, epoch=epoch), 2, 5
        )

    ones, others = _both(monkeypatch, make)
    single = [
        batch
        for epoch in (2, 3, 4)
        for batch in _pipeline(training=True, epoch=epoch).as_numpy_iterator()
    ]
    for one, other, third in zip(ones, others, single, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)
        tf.nest.map_structure(np.testing.assert_array_equal, one, third)


def test_a_preprocessor_that_mixes_rows_gets_each_batch():
    class Shared(data.SentencePreprocessor):
        """Counts the words of its batch."""

        converts_batches = False

        def __call__(self, raw):
            inputs, context = super().__call__(raw)
            size = tf.shape(inputs["words"], tf.int32)[0]
            count = tf.zeros_like(inputs["words"]) + size
            return {**inputs, "count": count}, context

    dataset = data.pipeline(
        _source(is_text=True),
        TASKS,
        preprocessor=Shared(["play"]),
        bucket_lengths=(4, 8),
        batch_size=3,
    )
    for inputs, _, _ in dataset.as_numpy_iterator():
        assert inputs["count"].max() == len(inputs["words"])


def test_no_sentence_is_no_batch():
    assert not list(_pipeline(_source(sentences=())))
