"""Spans change places and carry their tags; nothing else moves."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import swap

TAGS = ("O", "B-artist", "I-artist", "B-city", "I-city")
# One letter a kind: a1 a2 an artist of two words, c1 a city.
WORDS = [[2, 3, 4, 5, 0, 0], [6, 7, 8, 0, 0, 0], [9, 10, 11, 12, 13, 14]]
LABELS = [[0, 1, 2, 0, -1, -1], [0, 0, 1, -1, -1, -1], [0, 1, 2, 2, 3, 4]]


def _swapped(seed, rate=0.9, labels=LABELS):
    words = tf.constant(WORDS)
    inputs = {
        "words": words,
        "characters": tf.tile(words[..., None], (1, 1, 3)),
    }
    change = swap.SwapSpans(TAGS, rate)
    return change(
        inputs, {"slot": tf.constant(labels), "intent": [0, 1, 2]}, seed
    )


def _seed(number):
    return tf.constant([number, 7], tf.int64)


def _spans(words, labels):
    """Each sentence as a list of texts, and of spans without their words."""
    values, shapes = [], []
    for row, tags in zip(words, labels, strict=True):
        shape = []
        for word, tag in zip(row, tags, strict=True):
            if word == 0:
                continue
            if tag in (1, 3):
                values.append((tag, [word]))
                shape.append(tag)
            elif tag in (2, 4):
                values[-1][1].append(word)
            else:
                shape.append(("O", word))
        shapes.append(shape)
    return values, shapes


@pytest.mark.parametrize("number", range(8))
def test_values_come_from_the_batch_and_sentences_keep_their_form(number):
    inputs, labels = _swapped(_seed(number))
    before, form = _spans(WORDS, LABELS)
    after, same_form = _spans(inputs["words"].numpy(), labels["slot"].numpy())
    assert same_form == form
    assert all(value in before for value in after)
    for kind in range(3):
        np.testing.assert_array_equal(
            inputs["characters"][..., kind], inputs["words"]
        )
    np.testing.assert_array_equal(
        inputs["words"].numpy() == 0, labels["slot"].numpy() == -1
    )
    assert labels["intent"] == [0, 1, 2]


def test_something_is_swapped():
    seen = {_swapped(_seed(n))[0]["words"].numpy().tobytes() for n in range(8)}
    assert len(seen) > 2


def test_the_same_seed_swaps_the_same():
    first, again = (_swapped(_seed(3))[0]["words"] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_rate_zero_changes_nothing():
    inputs, labels = _swapped(_seed(0), rate=0.0)
    np.testing.assert_array_equal(inputs["words"], WORDS)
    np.testing.assert_array_equal(labels["slot"], LABELS)


def test_labels_that_are_missing_are_no_spans():
    missing = np.full_like(LABELS, -1)
    inputs, _ = _swapped(_seed(0), labels=missing)
    np.testing.assert_array_equal(inputs["words"], WORDS)


def test_sentences_without_tags_stay():
    inputs = {"words": tf.constant(WORDS)}
    same, _ = swap.SwapSpans(TAGS)(inputs, {"intent": [0, 1, 2]}, _seed(0))
    assert same is inputs


def test_hidden_words_are_unknown_and_padding_stays():
    words = tf.tile(tf.constant(WORDS), (50, 1))
    hidden, _ = swap.HideWords(0.3)({"words": words}, {}, _seed(0))
    changed = hidden["words"].numpy() != words.numpy()
    assert (hidden["words"].numpy()[changed] == 1).all()
    assert not changed[words.numpy() == 0].any()
    assert 0.2 < changed[words.numpy() > 0].mean() < 0.4


@pytest.mark.parametrize(
    "make",
    [lambda rate: swap.SwapSpans(TAGS, rate), swap.HideWords],
)
def test_rate_out_of_range(make):
    with pytest.raises(ValueError, match=r"`rate` must be .* \[0, 1\]"):
        make(1.5)


@pytest.mark.parametrize("seed", range(4))
def test_a_sentence_never_grows_beyond_the_padding(seed):
    # The span of the first sentence has 1 word; 3 instead would make 6 of 4.
    inputs = {"words": tf.constant([[2, 3, 4, 5], [6, 7, 8, 0]])}
    labels = {"slot": tf.constant([[0, 0, 0, 1], [1, 2, 2, -1]])}
    change = swap.SwapSpans(("O", "B-x", "I-x"), rate=1.0)
    seed = tf.constant([seed, 0], tf.int64)
    inputs, labels = change(inputs, labels, seed=seed)
    assert inputs["words"][0].numpy().tolist() == [2, 3, 4, 5]
    assert inputs["words"][1].numpy().tolist() in ([6, 7, 8, 0], [5, 0, 0, 0])
    assert labels["slot"][0].numpy().tolist() == [0, 0, 0, 1]


# Word n of `WORDS` has the sub-words 100 * n, 100 * n + 1 ...: as many as
# n modulo 3, and one more.
def _pieces_of(word):
    return [100 * word + part for part in range(word % 3 + 1)]


def _subword_batch(width, before=()):
    """The sentences of `WORDS` as a `SubwordPreprocessor` gives them."""
    batch = {"token_ids": [], "padding_mask": [], "word_starts": []}
    for row in WORDS:
        ids, starts = [1, *before], []
        for word in filter(None, row):
            starts.append(len(ids))
            ids += _pieces_of(word)
        ids.append(2)
        mask = [1] * len(ids)
        for key, values in zip(batch, (ids, mask, starts), strict=True):
            batch[key].append(values + [0] * (width - len(values)))
    labels = np.full((len(WORDS), width), -1)
    labels[:, : len(LABELS[0])] = LABELS
    inputs = {key: tf.constant(value) for key, value in batch.items()}
    return inputs, {"slot": tf.constant(labels), "intent": [0, 1, 2]}


def _words_of(inputs, before=()):
    """Reads the words back; checks that everything stands in its place."""
    sentences = []
    for ids, mask, starts in zip(
        *(inputs[key].numpy().tolist() for key in inputs), strict=True
    ):
        length = sum(mask)
        assert mask == [1] * length + [0] * (len(mask) - length)
        assert ids[: len(before) + 1] == [1, *before]
        assert ids[length - 1 :] == [2] + [0] * (len(mask) - length)
        begins = [start for start in starts if start]
        assert starts == begins + [0] * (len(mask) - len(begins))
        assert begins[0] == len(before) + 1
        ends = [*begins[1:], length - 1]
        words = [ids[b:e] for b, e in zip(begins, ends, strict=True)]
        assert words == [_pieces_of(word[0] // 100) for word in words]
        numbers = [word[0] // 100 for word in words]
        sentences.append(numbers + [0] * (len(mask) - len(numbers)))
    return sentences


@pytest.mark.parametrize("before", [(), (7, 8)])
@pytest.mark.parametrize("number", range(4))
def test_words_take_their_subwords_along(number, before):
    inputs, labels = _subword_batch(30, before)
    change = swap.SwapSpans(TAGS, 0.9)
    moved, changed = change(inputs, labels, _seed(number))
    values, form = _spans(WORDS, LABELS)
    after, same_form = _spans(_words_of(moved, before), changed["slot"].numpy())
    assert same_form == form
    assert all(value in values for value in after)
    np.testing.assert_array_equal(
        moved["word_starts"].numpy() == 0, changed["slot"].numpy() == -1
    )
    assert changed["intent"] == [0, 1, 2]


def test_some_subwords_are_swapped():
    inputs, labels = _subword_batch(30)
    change = swap.SwapSpans(TAGS, 0.9)
    seen = {
        change(inputs, labels, _seed(n))[0]["token_ids"].numpy().tobytes()
        for n in range(6)
    }
    assert len(seen) > 2


def test_subwords_without_a_swap_stay():
    inputs, labels = _subword_batch(20, (7,))
    same, _ = swap.SwapSpans(TAGS, 0.0)(inputs, labels, _seed(0))
    for key in inputs:
        np.testing.assert_array_equal(same[key], inputs[key])


@pytest.mark.parametrize("number", range(6))
def test_subwords_never_grow_beyond_the_padding(number):
    inputs, labels = _subword_batch(14)
    moved, _ = swap.SwapSpans(TAGS, 1.0)(inputs, labels, _seed(number))
    assert {key: value.shape for key, value in moved.items()} == {
        key: value.shape for key, value in inputs.items()
    }
    _words_of(moved)
