"""What entries share that read sentences of separate, perhaps marked tokens."""

import collections
import functools
import importlib.resources

import keras
from keras import layers, ops

import zoo
from mtl_keras import checks
from mtl_keras import data as mtl_data
from zoo.text import pretrained
from zoo.text.layers import Spelling

WORD_LENGTH = 14
_OPTIONAL = ("depth", "num_tokens", "spelling_units")


class TokenEntry(zoo.Entry):
    """An entry that reads sentences by a `TokenPreprocessor`."""

    reads = "text"
    # White space alone separates tokens.
    separators = ""
    # Numbers of blocks that differ from the trunks' own.
    depths = {"bilstm": 2}
    # The fraction of words that become unknown in training.
    hidden_words = 0.15
    # Six shapes; the longest sentence of `ewt_joint` has 159 words.
    bucket_lengths = (10, 18, 26, 36, 52, 80)
    # Of sub-words.
    subword_bucket_lengths = (16, 28, 44, 72)

    def assets(self, data: str) -> dict:
        """Returns the vocabulary that lies beside a data set's builder.

        Args:
            data: String, a key of `self.data`.

        Returns:
            Dict with the list `"words"`.
        """
        return {"words": list(_words(data))}

    def learn_assets(self, examples) -> dict:
        """Finds the words that a folder's training split holds at least twice.

        Args:
            examples: Iterable of `zoo.datasets.folders.Example`.

        Returns:
            Dict with the list `"words"`, the most frequent first.
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
        return {"words": sorted(words, key=lambda w: (-counts[w], w))}

    def words(self, spec, word_units, spelling_units, dropout, num_tokens):
        """Makes inputs, features of each word alone, and which are words.

        Args:
            spec: `zoo.Spec`.
            word_units: Integer, size of a word's embedding.
            spelling_units: Integer, features from a word's characters.
            dropout: Float in [0, 1), fraction of the features dropped.
            num_tokens: Integer, a fixed number of tokens, or `None`.

        Returns:
            Triple of a dict of Keras inputs, the features `(batch, tokens,
            channels)` and booleans `(batch, tokens)`, false at the padding.
        """
        words = input_of("words", num_tokens)
        vocabulary = self.preprocessor(spec)
        characters, spelling_features = spelling(
            spelling_units, vocabulary.num_characters, num_tokens
        )
        inputs = {"words": words, "characters": characters}
        word = layers.Embedding(vocabulary.num_words, word_units, name="word")
        features = layers.Concatenate(name="word_features")(
            [word(words), spelling_features]
        )
        if dropout:
            features = layers.Dropout(dropout, name="word_dropout")(features)
        return inputs, features, ops.not_equal(inputs["words"], 0)

    def preprocessor(
        self, spec, *, trunk: str = "conv", spelling_units: int | None = None
    ):
        """Makes the graph from sentences to the model's inputs.

        Args:
            spec: `zoo.Spec`.
            trunk: String, as for `build`.
            spelling_units: Integer or `None`, as for `build`.

        Returns:
            `mtl_keras.data.TokenPreprocessor` with the words that the training
            split holds at least twice; of a pretrained trunk a
            `TokenSubwordPreprocessor` with its tokenizer.
        """
        if pretrained.is_pretrained(trunk):
            return pretrained.preprocessor(
                trunk,
                marked=True,
                word_length=None if spelling_units is None else WORD_LENGTH,
            )
        return mtl_data.TokenPreprocessor(spec.assets["words"], WORD_LENGTH)

    def postprocessor(self, spec):
        """Makes the graph from the outputs to names and spans.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `mtl_keras.data.SpanDecoder`.
        """
        return mtl_data.SpanDecoder(self.tasks(spec))

    def augmentation(self, spec, *, trunk: str = "conv"):
        """Makes the random changes of training sentences.

        Args:
            spec: `zoo.Spec`.
            trunk: String, as for `build`.

        Returns:
            Function of a batch's `(inputs, labels, seed)`: some words become
            unknown, so that their characters are learnt. `None` of a
            pretrained trunk.
        """
        del spec
        if pretrained.is_pretrained(trunk):
            return None
        return mtl_data.swap.HideWords(rate=self.hidden_words)

    def batching(self, spec, *, trunk: str = "conv") -> dict:
        """Groups sentences of similar length into batches.

        Args:
            spec: `zoo.Spec`.
            trunk: String, as for `build`.

        Returns:
            Dict of arguments of `mtl_keras.data.pipeline`.
        """
        del spec
        if pretrained.is_pretrained(trunk):
            return {"bucket_lengths": self.subword_bucket_lengths}
        return {"bucket_lengths": self.bucket_lengths}


@functools.cache
def _words(data: str) -> tuple[str, ...]:
    """Reads the vocabulary, which lies beside the data set's builder."""
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


def spelling(units: int, num_characters: int, num_tokens: int | None):
    """Makes the input of the words' characters and features of them.

    Args:
        units: Integer, number of features.
        num_characters: Integer, how many ids of characters there are.
        num_tokens: Integer, a fixed number of tokens, or `None`.

    Returns:
        Pair of Keras tensors, int32 `(batch, tokens, 14)` and `(batch, tokens,
        units)`.
    """
    characters = input_of("characters", num_tokens, WORD_LENGTH)
    layer = Spelling(num_characters, units, name="spelling")
    return characters, layer(characters)


def spelling_units_of(trunk: str, units: int | None) -> tuple:
    """Divides what `build` received between the zoo's trunks and others.

    Args:
        trunk: String, as for `build`.
        units: Integer or `None`, the argument `spelling_units`.

    Returns:
        Pair of integers or `None`: the zoo's own trunk's, by default 96, and
        that beside a pretrained one, by default none.
    """
    if pretrained.is_pretrained(trunk):
        return None, units
    return 96 if units is None else units, None


def check_sizes(**sizes) -> None:
    """Raises early for sizes that are no integers of at least 1.

    Args:
        **sizes: Values by argument; `depth`, `num_tokens` and `spelling_units`
            may be `None`, and `units` is a multiple of 4.

    Raises:
        ValueError: If one is out of range.
    """
    for name, size in sizes.items():
        if size is not None or name not in _OPTIONAL:
            checks.integer(name, size, low=1)
    if sizes["units"] % 4:
        raise ValueError(
            "`units` must be a multiple of 4. Received: "
            f"units={sizes['units']!r}"
        )
