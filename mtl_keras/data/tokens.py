"""Converts sentences of separate tokens, one of which may be marked."""

import re

import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data.text import (
    PADDING,
    SPACES,
    SentencePreprocessor,
    num_parts,
    table,
)

_SPACE = f"[{re.escape(SPACES)}]+"
# `>>barked<<`: the word of interest.
_MARKED = ">>.+<<"
_MARKS = "^>>(.+)<<$"
# More than an alphabet has letters, whose code points are neighbours: few share
# an id. Of the thousands of Chinese characters many do.
_NUM_HASHES = 509


class TokenPreprocessor(SentencePreprocessor):
    """Converts tokens to ids of words and characters, and marks one.

    Tokens are what white space separates: punctuation is a token where it
    stands alone, `"Dogs bark ."`, as in a treebank. Words are looked up in
    lower case, characters as they are. A token written as `>>bark<<` is
    marked: the input `mark` is 1 there and the token is `bark`. Positions
    count characters of `context["text"]`: the tokens without marks, a space
    between two of them.

    ```python
    preprocessor = TokenPreprocessor(["dogs", "bark", "."])
    inputs, context = preprocessor({"text": ["Dogs >>bark<< loudly ."]})
    inputs["words"]                  # [[2, 3, 1, 4]]
    inputs["mark"]                   # [[0, 1, 0, 0]]
    context["text"]                  # ["Dogs bark loudly ."]
    ```

    The object holds lookup tables, so an export has to track it.

    Args:
        words: As for `SentencePreprocessor`, in lower case.
        word_length: As for `SentencePreprocessor`.
        name: As for `SentencePreprocessor`.
        max_tokens: As for `SentencePreprocessor`.
        marked: Boolean, whether tokens may be marked. If false, there is no
            input `mark`. Defaults to `True`.

    Raises:
        ValueError: If a word is repeated or a length is too small.
    """

    def __init__(
        self,
        words,
        word_length: int = 14,
        name: str = "text",
        max_tokens: int = 512,
        marked: bool = True,
    ):
        super().__init__(words, word_length, name, max_tokens)
        self.marked = checks.boolean("marked", marked)
        both = {
            form
            for letter in self._alphabet
            for form in (letter, letter.upper())
            if len(form) == 1
        }
        self._alphabet = tuple(sorted(both))
        self._character_ids = table(self._alphabet)

    def length(self, raw):
        """Counts the tokens of sentences, for batches of similar length.

        Args:
            raw: As for the call, one sentence or a batch.

        Returns:
            int64 tensor of shape `()` or `(batch,)`, at least 1.
        """
        text = tf.strings.regex_replace(self._text(raw), _SPACE, " ")
        return num_parts(text)

    # Traced once for all signatures of an export.
    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False
    )
    def _prepare(self, batch):
        batch = self._check_bytes(batch)
        batch = tf.strings.unicode_transcode(batch, "UTF-8", "UTF-8")
        spaced = tf.strings.regex_replace(batch, _SPACE, " ")
        tokens = tf.strings.split(spaced)
        # A sentence without tokens has one that stands nowhere.
        is_empty = tf.cast(tf.equal(tokens.row_lengths(), 0), tf.int64)
        nowhere = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.reduce_sum(is_empty)], ""), is_empty
        )
        tokens = tf.concat([tokens, nowhere], 1)
        mark = tf.strings.regex_full_match(tokens.flat_values, _MARKED)
        mark = tokens.with_values(tf.cast(mark, tf.int32))
        if self.marked:
            tokens = tokens.with_values(
                tf.strings.regex_replace(tokens.flat_values, _MARKS, r"\1")
            )
        lengths = tokens.with_values(
            tf.strings.length(tokens.flat_values, unit="UTF8_CHAR")
        )
        text = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        # One more a token, for the space behind it.
        ends = tf.cumsum(lengths.flat_values + 1)
        ends = lengths.with_values(ends)
        before = tf.gather(
            tf.concat([[0], ends.flat_values], 0), tokens.row_starts()
        )
        starts = ends - lengths - 1 - before[:, None]
        starts = starts.with_values(
            tf.where(lengths.flat_values > 0, starts.flat_values, -1)
        )
        points = tf.strings.unicode_decode(text, "UTF-8")
        with tf.control_dependencies([self._check_tokens(starts)]):
            lengths = tf.identity(lengths)
        first = points.row_starts()
        inputs = {"words": self._words(points, first, starts, lengths)}
        if self.marked:
            inputs["mark"] = mark
        inputs = {k: v.to_tensor(PADDING) for k, v in inputs.items()}
        characters = self._characters(points, first, starts, lengths)
        inputs["characters"] = characters.to_tensor(
            PADDING, shape=(None, None, self.word_length)
        )
        ends = tf.where(tf.equal(starts, -1), -1, starts + lengths)
        return inputs, {
            "starts": starts.to_tensor(-1),
            "ends": ends.to_tensor(-1),
            "text": text,
        }

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "marked": self.marked}

    def _folded(self, letters):
        return letters


class HashedTokenPreprocessor(TokenPreprocessor):
    """Converts tokens as its base, characters without an alphabet.

    The id of a character is 1 plus its code point modulo 509 (a hash as in
    CANINE, Clark et al., TACL 2022), so no list of characters is needed.

    Args:
        **kwargs: As for `TokenPreprocessor`.
    """

    num_characters = 1 + _NUM_HASHES
    # The one preprocessor that uses it.
    _title = "TokenSubwordPreprocessor"

    def _letters(self, codes):
        return 1 + codes % _NUM_HASHES


def unmarked(token: str) -> str:
    """Returns a token without the mark `>>` and `<<`, if it has one.

    Args:
        token: String.
    """
    match = re.fullmatch(_MARKS, token)
    return match[1] if match else token
