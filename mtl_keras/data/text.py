"""Converts sentences to ids of words and characters."""

import functools
import re
from collections.abc import Sequence

import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data.file_preprocessor import named_input

PADDING = 0
UNKNOWN = 1
_RESERVED = 2
# How many characters of a long word are taken from its end, the part with most
# of the grammar.
_ENDING = 5
# The limit on the bytes of a sentence, per token of `max_tokens`.
_BYTES_PER_TOKEN = 16
# ASCII characters that separate words, as white space does. A dash, a colon or
# a slash is part of its word: "twenty-seventh", "7:30", "4/5".
SEPARATORS = "!#$'()*+,.;<>?@[\\]^_`{|}"
# Common Unicode white space, and NUL: `strings.lower` drops what follows a NUL
# (TensorFlow 2.21), so that "jazz\0x" would become "jazz".
SPACES = "\0\t\n\v\f\r \u0085\u00a0\u2028\u2029\u3000"
_BLANK = f"[{re.escape(SEPARATORS + SPACES)}]"


class SentencePreprocessor(tf.Module):
    """Converts sentences to ids of words and of their characters.

    A sentence is split into tokens at white space and at the characters of
    `SEPARATORS`, and converted to lower case. A word outside the vocabulary has
    the id 1, and only its characters are known; 0 is padding. Positions count
    characters of the original sentence; each invalid UTF-8 byte counts as one.

    ```python
    preprocessor = SentencePreprocessor(["play", "jazz"])
    inputs, context = preprocessor({"text": ["Play some jazz!"]})
    inputs["words"]                  # [[2, 1, 3]]
    ```

    The object holds lookup tables, so an export has to track it.

    Args:
        words: Sequence of strings, the vocabulary, in lower case; the first
            has the id 2.
        word_length: Integer of at least 6, how many characters of a word are
            read; of a longer word the first ones and the last 5.
        name: String, the key of the sentence in the raw inputs.
        max_tokens: Integer, the largest number of tokens of a sentence; the
            limit on its bytes is 16 times as large. A batch is padded to its
            longest sentence, so one long sentence takes as much memory as a
            batch of them. Defaults to 512.

    Raises:
        ValueError: If a word is repeated or a length is too small.
    """

    # `data.pipeline` gives it whole batches.
    converts_batches = True

    def __init__(
        self,
        words: Sequence[str],
        word_length: int = 14,
        name: str = "text",
        max_tokens: int = 512,
    ):
        super().__init__(
            name=checks.input_name("name", name, is_identifier=True)
        )
        if isinstance(words, str) or len(set(words)) < len(tuple(words)):
            raise ValueError(
                f"{self._title} expects `words` to be a sequence of "
                "different strings. Received: "
                f"{words!r}"[:200]
            )
        self.words = tuple(words)
        self.max_tokens = checks.integer("max_tokens", max_tokens, low=1)
        self.word_length = checks.integer(
            "word_length", word_length, low=_ENDING + 1
        )
        self._alphabet = alphabet(self.words)
        self._word_ids = table(self.words)
        self._character_ids = table(self._alphabet)

    @property
    def _title(self) -> str:
        """The name in errors, of what a user has made."""
        return type(self).__name__

    @property
    def num_words(self) -> int:
        """The number of ids of words, including padding and unknown."""
        return len(self.words) + _RESERVED

    @property
    def num_characters(self) -> int:
        """The number of ids of characters, including padding and unknown."""
        return len(self._alphabet) + _RESERVED

    def __call__(self, raw):
        """Converts one sentence or a batch to the model's inputs.

        Args:
            raw: Dict with one string tensor under the key `name`, or the
                tensor, of shape `()` or `(batch,)`.

        Returns:
            Pair `(inputs, context)`. `inputs["words"]` is an int32 tensor of
            shape `(tokens,)` or `(batch, tokens)`, and
            `inputs["characters"]` one of shape `(..., tokens, word_length)`,
            both padded with 0 to the longest sentence. The context has
            `starts` and `ends`, int32 of `words`' shape, the position
            of each token in its sentence (-1 in the padding), and `text`, the
            sentences, with U+FFFD for each invalid UTF-8 byte. A sentence
            without tokens becomes one unknown word without a position, since
            a model needs at least one.

        Raises:
            ValueError: If `raw` has another type or shape.
            tf.errors.InvalidArgumentError: At run time, if a sentence is too
                long.
        """
        text = self._text(raw)
        is_single = text.shape.rank == 0
        batch = text[None] if is_single else text
        try:
            inputs, context = self._prepare(batch)
        except tf.errors.InvalidArgumentError as error:
            raise _plain(error) from error
        if is_single:
            inputs = {key: value[0] for key, value in inputs.items()}
            context = {key: value[0] for key, value in context.items()}
        return inputs, context

    def length(self, raw):
        """Counts the tokens of sentences, for batches of similar length.

        Args:
            raw: As for the call, one sentence or a batch.

        Returns:
            int64 tensor of shape `()` or `(batch,)`, at least 1.
        """
        blank = tf.strings.regex_replace(self._text(raw), _BLANK, " ")
        return num_parts(blank)

    def input_signature(self) -> dict:
        """Returns the specs of a batch of raw inputs, for an export."""
        return {self.name: tf.TensorSpec((None,), tf.string, name=self.name)}

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            "words": list(self.words),
            "word_length": self.word_length,
            "name": self.name,
            "max_tokens": self.max_tokens,
        }

    @classmethod
    def from_config(cls, config: dict) -> "SentencePreprocessor":
        """Makes the preprocessor that `get_config` described."""
        return cls(**config)

    # Traced once for all signatures of an export.
    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False
    )
    def _prepare(self, batch):
        batch = self._check_bytes(batch)
        points, starts, lengths = _cut(batch)
        with tf.control_dependencies([self._check_tokens(starts)]):
            lengths = tf.identity(lengths)
        first = points.row_starts()
        words = self._words(points, first, starts, lengths)
        characters = self._characters(points, first, starts, lengths)
        inputs = {"words": words.to_tensor(PADDING)}
        inputs["characters"] = characters.to_tensor(
            PADDING, shape=(None, None, self.word_length)
        )
        nowhere = tf.equal(starts, -1)
        ends = tf.where(nowhere, -1, starts + lengths)
        context = {"starts": starts.to_tensor(-1), "ends": ends.to_tensor(-1)}
        # Not `batch`: `strings.substr` must count as many characters as there
        # are code points here, also for invalid UTF-8.
        context["text"] = tf.strings.unicode_encode(points, "UTF-8")
        return inputs, context

    def _text(self, raw):
        text = tf.convert_to_tensor(named_input(raw, self.name))
        if text.dtype != tf.string or text.shape.rank not in (0, 1):
            raise ValueError(
                f"{self._title} expects {self.name!r} to be strings of "
                "shape () or (batch,), each a sentence. "
                f"Received: shape {text.shape}, dtype {text.dtype.name}"
            )
        return text

    def _check_bytes(self, batch):
        """Returns the sentences; fails at run time if one is too long."""
        most = _BYTES_PER_TOKEN * self.max_tokens
        longest = tf.reduce_max(tf.strings.length(batch))
        check = tf.debugging.Assert(
            longest <= most,
            [
                f"{self._title} expects sentences of at most {most:,} "
                "bytes. Received: one with",
                longest,
            ],
        )
        with tf.control_dependencies([check]):
            return tf.identity(batch)

    def _check_tokens(self, starts):
        longest = tf.reduce_max(starts.row_lengths())
        return tf.debugging.Assert(
            longest <= self.max_tokens,
            [
                f"{self._title} expects sentences of at most "
                f"{self.max_tokens:,} tokens. Received: one with",
                longest,
            ],
        )

    def _words(self, points, first, starts, lengths):
        """Looks the words up: ragged int32 `(batch, tokens)`."""
        begins = _absolute(first, starts)
        inside = tf.ragged.range(begins, begins + lengths.flat_values)
        # One code point of padding, for the word without a position.
        codes = tf.concat([points.flat_values, [0]], 0)
        words = tf.strings.unicode_encode(
            inside.with_values(tf.gather(codes, inside.flat_values)), "UTF-8"
        )
        ids = self._word_ids.lookup(tf.strings.lower(words, "utf-8"))
        return starts.with_values(ids)

    def _characters(self, points, first, starts, lengths):
        """Looks the characters up: ragged `(batch, tokens, word_length)`."""
        size = self.word_length
        lengths = lengths.flat_values[:, None]
        place = tf.range(size)[None]
        is_early = (lengths <= size) | (place < size - _ENDING)
        inside = tf.where(is_early, place, lengths - size + place)
        index = _absolute(first, starts)[:, None] + inside
        # One more, for the word without a position.
        codes = tf.concat([points.flat_values, [0]], 0)
        ids = self._letters(codes)
        ids = tf.gather(ids, tf.minimum(index, tf.size(codes) - 1))
        ids = tf.where(place < tf.maximum(lengths, 1), ids, PADDING)
        return starts.with_values(ids)

    def _letters(self, codes):
        """Looks code points up: int32 ids of `codes`' shape."""
        letters = tf.strings.unicode_encode(codes[:, None], "UTF-8")
        return self._character_ids.lookup(self._folded(letters))

    def _folded(self, letters):
        """Returns the characters as the alphabet has them."""
        return tf.strings.lower(letters, "utf-8")


def _plain(error):
    """Returns the error of a failed check without TensorFlow's graph."""
    check = re.search(r"assertion failed: \[(.+?)\] \[(\d+)\]", error.message)
    if check is None:
        return error
    message = f"{check[1]} {check[2]}"
    return tf.errors.InvalidArgumentError(error.node_def, error.op, message)


def alphabet(words: Sequence[str]) -> tuple[str, ...]:
    """Lists the characters of a vocabulary.

    Args:
        words: Sequence of strings.

    Returns:
        Sorted tuple of strings of one character.
    """
    return tuple(sorted({letter for word in words for letter in word}))


def tokens(text: str) -> list[str]:
    """Splits one sentence into tokens, as `SentencePreprocessor` does.

    Args:
        text: String.

    Returns:
        List of strings in lower case, which may be empty.
    """
    blank = dict.fromkeys(map(ord, SEPARATORS + SPACES), " ")
    return text.translate(blank).lower().split()


def num_parts(text) -> tf.Tensor:
    """Counts what white space separates.

    Args:
        text: String tensor of shape `()` or `(batch,)`.

    Returns:
        int64 tensor of the same shape, at least 1.
    """
    parts = tf.strings.split(text)
    if isinstance(parts, tf.RaggedTensor):
        return tf.maximum(parts.row_lengths(), 1)
    return tf.maximum(tf.size(parts, tf.int64), 1)


def _cut(text):
    """Finds the tokens of sentences `(batch,)`.

    Returns:
        Three ragged int32 tensors: code points `(batch, characters)`, and the
        start and length of each token, `(batch, tokens)`.
    """
    points = tf.strings.unicode_decode(text, "UTF-8")
    codes = points.flat_values
    separators = tf.constant([ord(c) for c in SEPARATORS + SPACES])
    inside = tf.reduce_all(codes[:, None] != separators[None], axis=-1)
    place = tf.ragged.range(tf.cast(points.row_lengths(), tf.int32))
    before = tf.concat([[False], inside[:-1]], 0) & (place.flat_values > 0)
    after = tf.concat([inside[1:], [False]], 0)
    is_last = place.flat_values == tf.gather(
        tf.cast(points.row_lengths(), tf.int32) - 1, points.value_rowids()
    )
    is_start = inside & ~before
    is_end = inside & ~(after & ~is_last)
    starts = tf.ragged.boolean_mask(place, points.with_values(is_start))
    ends = tf.ragged.boolean_mask(place, points.with_values(is_end))
    empty = tf.cast(tf.equal(starts.row_lengths(), 0), tf.int64)
    nowhere = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.reduce_sum(empty)], -1), empty
    )
    return (
        points,
        tf.concat([starts, nowhere], 1),
        tf.concat([ends - starts + 1, tf.zeros_like(nowhere)], 1),
    )


def _absolute(first, starts):
    """Returns the tokens' starts among all characters; 0 if without one."""
    rows = tf.gather(tf.cast(first, tf.int32), starts.value_rowids())
    return rows + tf.maximum(starts.flat_values, 0)


@functools.lru_cache(maxsize=16)
def table(keys: tuple[str, ...]):
    """Makes a table of ids; cached, since datasets outlive preprocessors.

    Args:
        keys: Tuple of strings, the first of which has the id 2.

    Returns:
        `tf.lookup.StaticHashTable`, 1 for other strings.
    """
    # Outside of a function that is being traced, where the table would never
    # be initialised.
    with tf.init_scope():
        ids = tf.range(_RESERVED, _RESERVED + len(keys))
        content = tf.lookup.KeyValueTensorInitializer(
            tf.constant(keys, tf.string), ids
        )
        return tf.lookup.StaticHashTable(content, UNKNOWN)
