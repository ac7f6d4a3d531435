"""Inputs and vocabularies of entries that read separate tokens."""

import collections
import functools
import importlib.resources

import keras
from keras import layers, ops

from mtl_keras import checks
from zoo.text.layers import Spelling

WORD_LENGTH = 14


def frequent_words(examples) -> list[str]:
    """Finds the words that occur at least twice, without marks.

    Args:
        examples: Iterable of `zoo.datasets.folders.Example`.

    Returns:
        List of strings, the most frequent first.
    """
    from mtl_keras.data import tokens

    counts = collections.Counter(
        tokens.unmarked(token).lower()
        for example in examples
        for token in example.inputs["tokens"]
    )
    words = [word for word, count in counts.items() if count > 1]
    # A vocabulary cannot be empty.
    words = words or list(counts)
    return sorted(words, key=lambda w: (-counts[w], w))


@functools.cache
def vocabulary(data: str) -> tuple[str, ...]:
    """Reads the vocabulary that lies beside a data set's builder.

    Args:
        data: String, the name of the data set.

    Returns:
        Tuple of strings.
    """
    package = importlib.resources.files(f"zoo.datasets.{data}")
    text = package.joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(text.split("\n")[:-1])


def input_of(name: str, *shape):
    """Makes an int32 input.

    Args:
        name: String.
        *shape: Integers or `None`, without the batch.

    Returns:
        Keras tensor.
    """
    return keras.Input(shape, dtype="int32", name=name)


def check_sizes(**sizes) -> None:
    """Raises early for sizes that are no integers of at least 1.

    Args:
        **sizes: Values by argument; some may be `None`.

    Raises:
        ValueError: If one is out of range.
    """
    for name, size in sizes.items():
        if size is not None or name not in ("depth", "num_tokens", "units"):
            checks.integer(name, size, low=1)


def marked_words(
    vocabulary, word_units, spelling_units, dropout, num_tokens
) -> tuple:
    """Makes inputs, features of each word alone, and which are words.

    Args:
        vocabulary: `mtl_keras.data.TokenPreprocessor`.
        word_units: Integer, size of a word's embedding.
        spelling_units: Integer, features from a word's characters.
        dropout: Float in [0, 1), fraction of the features dropped.
        num_tokens: Integer, a fixed number of tokens, or `None`.

    Returns:
        Triple of a dict of Keras inputs, the features `(batch, tokens,
        channels)` and booleans `(batch, tokens)`, false at the padding.
    """
    inputs = {
        "words": input_of("words", num_tokens),
        "mark": input_of("mark", num_tokens),
        "characters": input_of("characters", num_tokens, WORD_LENGTH),
    }
    word = layers.Embedding(vocabulary.num_words, word_units, name="word")
    spelling = Spelling(
        vocabulary.num_characters, spelling_units, name="spelling"
    )
    features = layers.Concatenate(name="word_features")(
        [word(inputs["words"]), spelling(inputs["characters"])]
    )
    if dropout:
        features = layers.Dropout(dropout, name="word_dropout")(features)
    return inputs, features, ops.not_equal(inputs["words"], 0)
