"""Sub-words are those of the tokenizer; words and labels stay aligned."""

import json

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("keras_hub", reason="needs the extra hub")
pytest.importorskip("tensorflow_text", reason="needs the extra hub")

from mtl_keras import data
from mtl_keras.data import SentencePreprocessor, SubwordPreprocessor
from mtl_keras.data.text import SEPARATORS, tokens
from tests.zoo import tiny_backbones

CLS, SEP, UNK = (
    tiny_backbones.VOCABULARY.index(mark)
    for mark in ("[CLS]", "[SEP]", "[UNK]")
)


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_backbones.bert_tokenizer()


@pytest.fixture(scope="module")
def preprocessor(tokenizer):
    return SubwordPreprocessor(tokenizer, max_length=40)


def random_sentences(count):
    rng = np.random.default_rng(0)
    parts = ["play", "Gnomic", "JAZZ", "dont", "café", " ", " ", "  ", "\t"]
    parts += ['"', "7:30", "\u3000", "歌", *SEPARATORS]
    return [
        "".join(rng.choice(parts, rng.integers(0, 12))) for _ in range(count)
    ]


@pytest.mark.slow
def test_subwords_are_those_of_the_whole_sentence(tokenizer, preprocessor):
    sentences = [s for s in random_sentences(200) if tokens(s)]
    inputs, _ = preprocessor({"text": tf.constant(sentences)})
    # KerasHub does not split at the space of Chinese and Japanese text.
    whole = tokenizer(
        tf.constant([s.replace("\u3000", " ") for s in sentences])
    )
    sizes = inputs["padding_mask"].numpy().sum(axis=1)
    assert len(sentences) > 100
    for row, size, expected in zip(
        inputs["token_ids"].numpy(), sizes, whole, strict=True
    ):
        assert row[:size].tolist() == [CLS, *expected, SEP]
        assert not row[size:].any()


@pytest.mark.slow
def test_each_word_starts_at_its_first_subword(tokenizer, preprocessor):
    sentences = [s for s in random_sentences(200) if tokens(s)]
    inputs, context = preprocessor({"text": tf.constant(sentences)})
    _, words = SentencePreprocessor(["a"])(tf.constant(sentences))
    width = words["starts"].shape[1]
    for name in ("starts", "ends"):
        np.testing.assert_array_equal(context[name][:, :width], words[name])
        assert np.all(context[name][:, width:] == -1)
    firsts = {}
    for number, sentence in enumerate(sentences):
        row = inputs["token_ids"][number].numpy()
        starts = inputs["word_starts"][number].numpy()
        places = words["starts"][number].numpy()
        count = max(int((places >= 0).sum()), 1)
        assert np.all(np.diff(starts[:count]) > 0) and not starts[count:].any()
        for place, end, start in zip(
            places, words["ends"][number].numpy(), starts, strict=False
        ):
            if place >= 0:
                firsts[sentence[place:end]] = row[start]
    assert len(firsts) > 20
    for word, ids in zip(
        firsts, tokenizer(tf.constant(list(firsts))), strict=True
    ):
        assert firsts[word] == ids[0], word


@pytest.mark.parametrize(
    ("sentence", "ids", "starts"),
    [
        ("", [CLS, UNK, SEP], [1, 0, 0]),
        ("\u200b play", [CLS, UNK, 5, SEP], [1, 2, 0, 0]),
        ("play\0jazz", [CLS, 5, 6, SEP], [1, 2, 0, 0]),
        (b"\xff play", [CLS, UNK, 5, SEP], [1, 2, 0, 0]),
    ],
)
def test_a_word_of_which_nothing_is_left_is_unknown(
    preprocessor, sentence, ids, starts
):
    inputs, _ = preprocessor(tf.constant([sentence]))
    assert inputs["token_ids"][0].numpy().tolist() == ids
    assert inputs["word_starts"][0].numpy().tolist() == starts


@pytest.mark.slow
def test_last_subwords_of_a_long_sentence_are_dropped(tokenizer):
    preprocessor = SubwordPreprocessor(tokenizer, max_length=5)
    inputs, context = preprocessor(
        tf.constant(["play gnomic gnomic jazz some"])
    )
    # The third word's first sub-word is the fourth: it has no place.
    assert inputs["token_ids"][0].numpy().tolist() == [CLS, 5, 8, 9, SEP]
    assert inputs["word_starts"][0].numpy().tolist() == [1, 2, 0, 0, 0]
    assert context["starts"][0].numpy().tolist() == [0, 5, -1, -1, -1]
    assert context["ends"][0].numpy().tolist() == [4, 11, -1, -1, -1]


@pytest.mark.slow
def test_labels_of_more_words_than_subwords_have_room(tokenizer):
    preprocessor = SubwordPreprocessor(tokenizer, max_length=4)
    sentence = tf.constant("play play play play play play")
    assert int(preprocessor.length(sentence)) == 6
    batch = tf.stack([sentence, "play", "gnomic", ""])
    lengths = preprocessor.length(batch).numpy().tolist()
    assert lengths == [int(preprocessor.length(text)) for text in batch]
    assert lengths[:3] == [6, 3, 4]
    inputs, _ = preprocessor(sentence)
    assert inputs["token_ids"].numpy().tolist() == [CLS, 5, 5, SEP, 0, 0]


def test_one_sentence_is_a_batch_of_one(preprocessor):
    one, place = preprocessor("play gnomic")
    batch, places = preprocessor(["play gnomic"])
    for single, several in ((one, batch), (place, places)):
        for key, value in single.items():
            np.testing.assert_array_equal(value, several[key][0])
    assert int(preprocessor.length("play gnomic")) == len(one["token_ids"])


def test_no_sentence_is_no_row(preprocessor):
    inputs, context = preprocessor(tf.constant([], tf.string))
    assert {v.shape[0] for v in (*inputs.values(), *context.values())} == {0}


@pytest.mark.slow
def test_config_holds_the_vocabulary(preprocessor):
    config = json.loads(json.dumps(preprocessor.get_config()))
    again = SubwordPreprocessor.from_config(config)
    sentences = tf.constant(random_sentences(20))
    for ours, theirs in zip(
        preprocessor(sentences), again(sentences), strict=True
    ):
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key])
    assert again.get_config() == preprocessor.get_config()


@pytest.mark.slow
def test_byte_pairs_of_a_word_know_the_space_before_it():
    import keras_hub

    marks = ["<s>", "</s>", "<pad>", "<mask>"]
    pieces = ["p", "l", "pl", "\u0120pl", "\u0120", "(", ")", "!"]
    vocabulary = {name: i for i, name in enumerate([*marks, *pieces])}
    tokenizer = keras_hub.models.RobertaTokenizer(
        vocabulary, merges=["p l", "\u0120 pl"]
    )
    preprocessor = SubwordPreprocessor(tokenizer)
    inputs, _ = preprocessor(tf.constant(["pl (pl)! pl"]))
    names = [*marks, *pieces]
    ids = inputs["token_ids"][0].numpy()
    expected = ["<s>", "pl", "\u0120", "(", "pl", ")", "!", "\u0120pl", "</s>"]
    assert [names[i] for i in ids] == expected
    assert inputs["word_starts"][0, :4].numpy().tolist() == [1, 4, 7, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_length": 2}, "`max_length` must be"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tokenizer": object()}, "a start and an end marker"),
    ],
)
def test_wrong_argument_is_explained(tokenizer, arguments, message):
    with pytest.raises(ValueError, match=message):
        SubwordPreprocessor(**{"tokenizer": tokenizer, **arguments})


@pytest.mark.slow
def test_too_many_words_are_refused(tokenizer):
    preprocessor = SubwordPreprocessor(tokenizer, max_tokens=3)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="at most 3 tokens"
    ):
        preprocessor(tf.constant(["play play play play"]))


def test_characters_of_the_words_are_kept_where_asked(tokenizer):
    texts = tf.constant(["Play >>JAZZ<< gnomic", "игра"])
    plain = data.TokenSubwordPreprocessor(tokenizer)
    spelled = data.TokenSubwordPreprocessor(tokenizer, word_length=6)
    inputs, _ = spelled(texts)
    characters = inputs.pop("characters").numpy()
    length = inputs["word_starts"].shape[1]
    assert characters.shape == (2, length, 6)
    words = ("Play", "JAZZ", "gnomic", "игра")
    read = [*characters[0, :3], characters[1, 0]]
    for word, ids in zip(words, read, strict=True):
        expected = [1 + ord(letter) % 509 for letter in word]
        assert ids.tolist() == expected + [0] * (6 - len(word))
        assert ids.max() < spelled.num_characters
    assert not characters[0, 3:].any() and not characters[1, 1:].any()
    for name, part in plain(texts)[0].items():
        assert (inputs[name].numpy() == part.numpy()).all()
    single, _ = spelled(texts[1])
    assert single["characters"].shape == (single["word_starts"].shape[0], 6)
    # A word that was dropped from a long sentence has no characters.
    short = data.TokenSubwordPreprocessor(tokenizer, 3, word_length=6)
    dropped = short(texts)[0]["characters"].numpy()
    assert dropped[0, 0].any() and not dropped[0, 1:].any()
    again = type(spelled).from_config(spelled.get_config())
    assert again.word_length == 6
