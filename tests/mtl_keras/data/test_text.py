"""Sentences become ids, and every token's place in its sentence is kept."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import text

WORDS = ("play", "jazz", "clásicos", "what", "7:30")


@pytest.fixture(scope="module")
def preprocessor():
    return text.SentencePreprocessor(WORDS, word_length=8)


@pytest.mark.slow
def test_words_are_ids_by_place_in_the_vocabulary(preprocessor):
    inputs, _ = preprocessor({"text": ["Play some JAZZ!", "at 7:30"]})
    expected = [[2, 1, 3], [1, 6, 0]]
    np.testing.assert_array_equal(inputs["words"], expected)
    assert inputs["characters"].shape == (2, 3, 8)


def test_places_count_characters_of_the_sentence_as_it_came(preprocessor):
    sentence = "  What's in los CLÁSICOS…, (now)"
    _, context = preprocessor(tf.constant([sentence]))
    found = [
        sentence[start:end]
        for start, end in zip(
            context["starts"][0].numpy(),
            context["ends"][0].numpy(),
            strict=True,
        )
    ]
    assert found == ["What", "s", "in", "los", "CLÁSICOS…", "now"]


def test_one_sentence_is_a_batch_of_one(preprocessor):
    one, place = preprocessor("play jazz")
    batch, places = preprocessor(["play jazz"])
    for key in batch:
        np.testing.assert_array_equal(one[key], batch[key][0])
    for key in places:
        np.testing.assert_array_equal(place[key], places[key][0])


@pytest.mark.parametrize("sentence", ["", "   ", "?!"])
def test_sentence_without_a_word_is_one_unknown_word(preprocessor, sentence):
    inputs, context = preprocessor([sentence])
    np.testing.assert_array_equal(inputs["words"], [[text.UNKNOWN]])
    np.testing.assert_array_equal(context["starts"], [[-1]])
    assert inputs["characters"].numpy().any()


def test_characters_are_ids_by_place_in_the_alphabet(preprocessor):
    inputs, _ = preprocessor("Jazz")
    letters = text.alphabet(WORDS)
    ids = [letters.index(letter) + 2 for letter in "jazz"]
    np.testing.assert_array_equal(inputs["characters"][0], ids + [0] * 4)


def test_long_word_keeps_its_beginning_and_its_end(preprocessor):
    inputs, _ = preprocessor("playing7:30jazz")
    letters = text.alphabet(WORDS)
    ids = [letters.index(letter) + 2 for letter in "pla" + "0jazz"]
    np.testing.assert_array_equal(inputs["characters"][0], ids)


@pytest.mark.parametrize(
    "sentence", ["play some jazz", "What's up?", "", "a  b\tc", "½ 7:30 “x”"]
)
def test_tokens_in_python_are_those_of_the_graph(preprocessor, sentence):
    _, context = preprocessor(sentence)
    found = [
        sentence[start:end].lower()
        for start, end in zip(
            context["starts"].numpy(), context["ends"].numpy(), strict=True
        )
        if start >= 0
    ]
    assert text.tokens(sentence) == found
    assert int(preprocessor.length(sentence)) == max(len(found), 1)


def test_separators_separate(preprocessor):
    for separator in text.SEPARATORS + "\t\u00a0":
        inputs, _ = preprocessor(f"play{separator}jazz")
        np.testing.assert_array_equal(inputs["words"], [2, 3])
        assert int(preprocessor.length(f"play{separator}jazz")) == 2


def test_nul_separates(preprocessor):
    inputs, _ = preprocessor(b"play\0jazz\0\0")
    np.testing.assert_array_equal(inputs["words"], [2, 3])
    assert text.tokens("play\0jazz\0\0") == ["play", "jazz"]
    assert int(preprocessor.length(b"play\0jazz\0\0")) == 2
    batch = [b"play\0jazz\0\0", b"", b" a  b c"]
    assert preprocessor.length(batch).numpy().tolist() == [2, 1, 3]


@pytest.mark.parametrize("word", ["🎷👩‍🚀", "שלום", "\u200fمرحبا"])
def test_other_scripts_are_unknown_words(preprocessor, word):
    inputs, context = preprocessor(f"play {word}")
    np.testing.assert_array_equal(inputs["words"], [2, text.UNKNOWN])
    np.testing.assert_array_equal(context["ends"], [4, 5 + len(word)])


@pytest.mark.parametrize(
    "sentence", [b"\xff\x80\x80 play", b"play \xc3", b"\xed\xa0\x80 x"]
)
def test_places_fit_the_text_where_bytes_are_no_utf_8(preprocessor, sentence):
    _, context = preprocessor(sentence)
    whole = context["text"].numpy().decode()
    assert whole == sentence.decode(errors="replace")
    words = zip(context["starts"].numpy(), context["ends"].numpy(), strict=True)
    assert [whole[a:b] for a, b in words] == whole.split()


@pytest.mark.slow
def test_what_is_too_long_is_refused():
    preprocessor = text.SentencePreprocessor(WORDS, max_tokens=4)
    assert preprocessor("a " * 4)[0]["words"].shape == (4,)
    preprocessor("a" * 64)
    for sentence, message in (
        ("a " * 5, "at most 4 tokens. Received: one with 5"),
        ("a" * 65, "at most 64 bytes. Received: one with 65"),
    ):
        for raw in (sentence, ["a", sentence]):
            with pytest.raises(tf.errors.InvalidArgumentError) as error:
                preprocessor(raw)
            # Not "Graph execution error".
            expected = f"SentencePreprocessor expects sentences of {message}"
            assert error.value.message == expected
    again = text.SentencePreprocessor.from_config(preprocessor.get_config())
    assert again.max_tokens == 4


def test_config_makes_the_same_preprocessor(preprocessor):
    again = text.SentencePreprocessor.from_config(preprocessor.get_config())
    for key, value in again("jazz at nine")[0].items():
        np.testing.assert_array_equal(
            value, preprocessor("jazz at nine")[0][key]
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"words": "jazz"}, "sequence of different strings"),
        ({"words": ["a", "a"]}, "sequence of different strings"),
        ({"words": ["a"], "word_length": 5}, "at least 6"),
        ({"words": ["a"], "max_tokens": 0}, "max_tokens=0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        text.SentencePreprocessor(**arguments)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"txet": "a"}, "mean 'text'"),
        (3, "strings of shape"),
        ([["a"]], "strings of shape"),
    ],
)
def test_what_is_no_sentence(preprocessor, raw, message):
    with pytest.raises(ValueError, match=message):
        preprocessor(raw)
