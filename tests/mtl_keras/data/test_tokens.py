"""Tokens between white space, one of which may be marked."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task
from mtl_keras.data import SpanDecoder, TokenPreprocessor, tokens

WORDS = ("dogs", "bark", ".")


@pytest.fixture(scope="module")
def preprocessor():
    return TokenPreprocessor(WORDS, word_length=6)


def test_white_space_alone_separates(preprocessor):
    inputs, context = preprocessor(["Dogs\u3000bark. \t bark .\0dogs"])
    assert inputs["words"].numpy().tolist() == [[2, 1, 3, 4, 2]]
    assert context["text"].numpy()[0].decode() == "Dogs bark. bark . dogs"


def test_marked_token_is_the_word_within_the_marks(preprocessor):
    inputs, context = preprocessor(["dogs >>bark<< .", ">>Dogs<<"])
    plain, _ = preprocessor(["dogs bark .", "Dogs"])
    assert inputs["mark"].numpy().tolist() == [[0, 1, 0], [1, 0, 0]]
    for name in ("words", "characters"):
        np.testing.assert_array_equal(inputs[name], plain[name])
    assert context["text"].numpy().tolist() == [b"dogs bark .", b"Dogs"]


@pytest.mark.parametrize("token", [">>", "<<", ">><<", ">>a", "a<<", "b>>a<<"])
def test_other_tokens_are_not_marked(preprocessor, token):
    inputs, context = preprocessor([token])
    assert inputs["mark"].numpy().tolist() == [[0]]
    assert context["text"].numpy()[0].decode() == token
    assert tokens.unmarked(token) == token


def test_marks_are_found_in_python_too():
    assert tokens.unmarked(">>bark<<") == "bark"


@pytest.mark.parametrize("seed", range(5))
def test_positions_are_those_of_the_tokens_in_the_text(preprocessor, seed):
    rng = np.random.default_rng(seed)
    pieces = [">>bark<<", "é", "😀x", ".", "a-b", ">>ü<<"]
    rows = [list(rng.choice(pieces, rng.integers(0, 6))) for _ in range(4)]
    gaps = [" ", "  ", "\u00a0", "\n"]
    _, context = preprocessor([rng.choice(gaps).join(row) for row in rows])
    for row, text, starts, ends in zip(
        rows,
        context["text"].numpy(),
        context["starts"].numpy(),
        context["ends"].numpy(),
        strict=True,
    ):
        words = [tokens.unmarked(token) for token in row]
        assert text.decode() == " ".join(words)
        found = [
            text.decode()[start:end]
            for start, end in zip(starts, ends, strict=True)
            if start >= 0
        ]
        assert found == words
        assert (starts[len(row) :] == -1).all()
        assert (ends[len(row) :] == -1).all()


def test_case_is_lost_in_words_and_kept_in_characters(preprocessor):
    inputs, _ = preprocessor(["dogs DOGS"])
    assert inputs["words"].numpy().tolist() == [[2, 2]]
    letters = inputs["characters"].numpy()[0]
    # Known letters, all different.
    assert len({*letters[0, :4], *letters[1, :4]} - {0, 1}) == 8
    assert letters.max() < preprocessor.num_characters


def test_sentence_without_a_token_is_one_unknown_word(preprocessor):
    inputs, context = preprocessor([" \n", "dogs"])
    assert inputs["words"].numpy().tolist() == [[1], [2]]
    assert context["starts"].numpy().tolist() == [[-1], [0]]
    assert preprocessor.length(" \n") == 1
    assert preprocessor.length("dogs  >>bark<< .") == 3
    batch = [" \n", "dogs  >>bark<< .", "dogs"]
    assert preprocessor.length(batch).numpy().tolist() == [1, 3, 1]


def test_empty_batch(preprocessor):
    inputs, _ = preprocessor(tf.constant([], tf.string))
    assert inputs["words"].shape[0] == inputs["mark"].shape[0] == 0


def test_invalid_bytes_are_replaced(preprocessor):
    _, context = preprocessor([b"dogs \xff bark"])
    assert context["text"].numpy()[0].decode() == "dogs \ufffd bark"
    assert context["starts"].numpy().tolist() == [[0, 5, 7]]


def test_too_many_tokens_are_refused():
    preprocessor = TokenPreprocessor(WORDS, max_tokens=2)
    preprocessor(["dogs bark"])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="TokenPreprocessor expects sent"
    ):
        preprocessor(["dogs bark ."])


def test_config_makes_the_same_preprocessor(preprocessor):
    again = TokenPreprocessor.from_config(preprocessor.get_config())
    sentence = ["Dogs >>bark<< loudly ."]
    for name, value in preprocessor(sentence)[0].items():
        np.testing.assert_array_equal(again(sentence)[0][name], value)


def test_tags_without_a_scheme_name_each_token(preprocessor):
    _, context = preprocessor(["Dogs >>bark<< .", "dogs"])
    names = ("NOUN", "VERB", "PUNCT")
    decoder = SpanDecoder([Task("pos", "tagging", class_names=names)])
    tags = tf.one_hot([[0, 0, 2], [1, 1, 1]], 3)
    decoded = decoder({"pos": tags}, context)
    # Equal neighbours stay apart; there is nothing at the padding.
    assert decoded["pos_names"].numpy().tolist() == [
        [b"NOUN", b"NOUN", b"PUNCT"],
        [b"VERB", b"", b""],
    ]
    assert decoded["pos_texts"].numpy().tolist() == [
        [b"Dogs", b"bark", b"."],
        [b"dogs", b"", b""],
    ]
