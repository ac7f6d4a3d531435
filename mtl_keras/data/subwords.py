"""Sentences to sub-word ids of a pretrained tokenizer, with words aligned."""

import base64
import pathlib
import tempfile

import keras
import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data.text import SentencePreprocessor
from mtl_keras.data.tokens import HashedTokenPreprocessor

_WHITE_SPACE = "\0\t\n\v\f\r \u0085\u00a0\u2028\u2029\u3000"
_SPACE = ord(" ")


class SubwordPreprocessor(tf.Module):
    """Turns sentences into sub-word ids and the places where words begin.

    Words are those of `SentencePreprocessor`, so labels of words (tags) fit
    both. Each word is tokenized with the separators that follow it, so a
    WordPiece tokenizer gives the same sub-words as for the whole sentence; a
    SentencePiece tokenizer treats each word as if a space preceded it. The
    first sub-word of a word stands for the word.

    Truncation: of a sentence with more than `max_length` sub-words, the start
    and end markers included, the last ones are dropped, and `max_length`
    sub-words remain. Words whose first sub-word was dropped have the start 0,
    as padding has, and the position -1.

    ```python
    tokenizer = keras_hub.models.BertTokenizer.from_preset(folder)
    preprocessor = SubwordPreprocessor(tokenizer)
    inputs, context = preprocessor({"text": ["Play gnomic jazz"]})
    inputs["token_ids"]    # [CLS] play gnom ##ic jazz [SEP]
    inputs["word_starts"]  # [[1, 2, 4, 0, 0, 0]]
    ```

    All outputs of a batch have one length: that of its longest sentence in
    sub-words. Buckets and labels are padded to it.

    Args:
        tokenizer: KerasHub tokenizer that returns integers and has a start
            and an end marker, such as those of BERT, RoBERTa, DeBERTa.
        max_length: Integer of at least 3, the most sub-words of a sentence.
            Defaults to 512.
        name: String, the key of the sentence in the raw inputs.
        max_tokens: Integer, the most words of a sentence; a longer one is
            refused, as by `SentencePreprocessor`. Defaults to 512.

    Raises:
        ValueError: If a length is too small or the tokenizer has no markers.
    """

    # `data.pipeline` gives it whole batches.
    converts_batches = True
    # What finds the words; its own ids are not used.
    _reader = SentencePreprocessor

    def __init__(
        self,
        tokenizer,
        max_length: int = 512,
        name: str = "text",
        max_tokens: int = 512,
    ):
        super().__init__(
            name=checks.input_name("name", name, is_identifier=True)
        )
        self.max_length = checks.integer("max_length", max_length, low=3)
        self.tokenizer = tokenizer
        self._words = self._reader(("a",), name=name, max_tokens=max_tokens)
        self._start = _marker(tokenizer, "start_token", "cls_token")
        self._end = _marker(tokenizer, "end_token", "sep_token")
        self._unknown = _unknown(tokenizer, self._end)

    @property
    def max_tokens(self) -> int:
        """The most words of a sentence."""
        return self._words.max_tokens

    def __call__(self, raw):
        """Makes the model's input of one sentence or of a batch.

        Args:
            raw: Dict with one string tensor under `name`, or the tensor
                itself, of shape `()` or `(batch,)`.

        Returns:
            Pair `(inputs, context)`. The inputs are int32 tensors of shape
            `(length,)` or `(batch, length)`, padded with 0: `token_ids`;
            `padding_mask`, 1 at the sub-words; and `word_starts`, the
            position of each word's first sub-word, which is at least 1. The
            context has `starts` and `ends`, int32 of the same shape, the
            character positions of each word (-1 in the padding and for words
            that were dropped), and `text`, the sentences.

        Raises:
            ValueError: If `raw` has another type or shape.
            tf.errors.InvalidArgumentError: When it runs, if a sentence has
                too many words or bytes.
        """
        _, words = self._words(raw)
        is_single = words["text"].shape.rank == 0
        if is_single:
            words = {key: value[None] for key, value in words.items()}
        inputs, context = self._prepare(
            words["text"], words["starts"], words["ends"]
        )
        if is_single:
            inputs = {key: value[0] for key, value in inputs.items()}
            context = {key: value[0] for key, value in context.items()}
        return inputs, context

    def length(self, raw):
        """Returns the length of sentences, for batches of like length.

        Args:
            raw: As for the call, one sentence or a batch.

        Returns:
            int64 tensor of shape `()` or `(batch,)`: the number of sub-words,
            markers included, or of words where that is larger.
        """
        inputs, _ = self(raw)
        num_subwords = tf.reduce_sum(inputs["padding_mask"], -1)
        num_words = self._words.length(raw)
        return tf.maximum(tf.cast(num_subwords, tf.int64), num_words)

    def input_signature(self) -> dict:
        """Returns the specs of a batch of raw inputs, for an export."""
        return self._words.input_signature()

    def get_config(self) -> dict:
        """Returns the arguments of the constructor, as plain data."""
        with tempfile.TemporaryDirectory() as folder:
            self.tokenizer.save_assets(folder)
            files = {
                path.name: base64.b64encode(path.read_bytes()).decode("ascii")
                for path in sorted(pathlib.Path(folder).iterdir())
            }
        return {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "tokenizer_files": files,
            "max_length": self.max_length,
            "name": self.name,
            "max_tokens": self.max_tokens,
        }

    @classmethod
    def from_config(cls, config: dict) -> "SubwordPreprocessor":
        """Makes the preprocessor that `get_config` described."""
        config = dict(config)
        files = config.pop("tokenizer_files")
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                # Only the file's own name: a config must not choose a folder.
                path = pathlib.Path(folder, pathlib.Path(name).name)
                path.write_bytes(base64.b64decode(content))
            tokenizer.load_assets(folder)
        return cls(**{**config, "tokenizer": tokenizer})

    # Traced once, however many signatures of an export call it.
    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string),
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, None), tf.int32),
        ],
        autograph=False,
    )
    def _prepare(self, text, starts, ends):
        points = tf.strings.unicode_decode(text, "UTF-8")
        spaces = tf.constant([ord(c) for c in _WHITE_SPACE])
        is_space = tf.reduce_any(
            points.flat_values[:, None] == spaces[None], axis=-1
        )
        # Also the NUL, behind which lower-casing drops the rest of a string.
        codes = tf.where(is_space, _SPACE, points.flat_values)
        pieces, num_words = _pieces(points, codes, is_space, starts)
        ids = self._subwords(pieces)
        # The first piece of a sentence precedes its first word.
        places = tf.cumsum(ids.row_lengths(), exclusive=True)
        ids = tf.RaggedTensor.from_row_lengths(ids, num_words + 1)
        first_places = tf.RaggedTensor.from_row_lengths(places, num_words + 1)
        ids = ids.merge_dims(1, 2)
        first_places = first_places[:, 1:] - ids.row_starts()[:, None]
        return self._aligned(ids, first_places, text, starts, ends)

    def _subwords(self, pieces):
        """Tokenizes pieces; each that holds a word has a sub-word."""
        text, is_word = pieces
        ids = self.tokenizer.tokenize(text)
        is_empty = tf.equal(ids.row_lengths(), 0) & is_word
        filler = tf.RaggedTensor.from_row_lengths(
            tf.fill(
                [tf.reduce_sum(tf.cast(is_empty, tf.int32))], self._unknown
            ),
            tf.cast(is_empty, tf.int64),
        )
        return tf.concat([tf.cast(ids, tf.int32), filler], 1)

    def _aligned(self, ids, places, text, starts, ends):
        """Truncates, adds the markers and pads to one length."""
        num_sentences = tf.shape(text)[0]
        ids = ids[:, : self.max_length - 2]
        places = tf.cast(places, tf.int32) + 1
        ids = tf.concat(
            [
                tf.fill([num_sentences, 1], self._start),
                ids,
                tf.fill([num_sentences, 1], self._end),
            ],
            1,
        )
        mask = tf.ones_like(ids)
        # An end marker stands where the first dropped sub-word stood.
        last = tf.cast(ids.row_lengths(), tf.int32)[:, None] - 1
        words = places.to_tensor(0)
        is_kept = words < last
        length = tf.maximum(
            tf.reduce_max(tf.cast(ids.row_lengths(), tf.int32)),
            tf.shape(starts)[1],
        )
        length = tf.maximum(length, 0)

        def padded(values, filler):
            missing = length - tf.shape(values)[1]
            return tf.pad(
                values, [[0, 0], [0, missing]], constant_values=filler
            )

        inputs = {
            "token_ids": padded(ids.to_tensor(0), 0),
            "padding_mask": padded(mask.to_tensor(0), 0),
            "word_starts": padded(tf.where(is_kept, words, 0), 0),
        }
        context = {
            "starts": padded(tf.where(is_kept, starts, -1), -1),
            "ends": padded(tf.where(is_kept, ends, -1), -1),
            "text": text,
        }
        return inputs, context


class TokenSubwordPreprocessor(SubwordPreprocessor):
    """Turns sentences of separate tokens, one of them marked, into sub-words.

    Tokens and the mark are those of `TokenPreprocessor`, all else is as of
    `SubwordPreprocessor`. The inputs have one more, `mark`, int32 of
    `word_starts`' shape, 1 at marked tokens, and with `word_length` also
    `characters`, int32 `(..., length, word_length)`. They keep upper case,
    which many tokenizers drop and which names are written in. The id of a
    character is 1 plus its code point modulo 509 (a hash as in CANINE, Clark
    et al., TACL 2022); 0 is the padding.

    Args:
        tokenizer: As for `SubwordPreprocessor`.
        max_length: As for `SubwordPreprocessor`.
        name: As for `SubwordPreprocessor`.
        max_tokens: As for `SubwordPreprocessor`.
        marked: Boolean, whether tokens may be marked. If false, there is no
            input `mark`. Defaults to `True`.
        word_length: Integer of at least 6, how many characters of a token
            are kept, as for `TokenPreprocessor`. Defaults to `None`: none.

    Raises:
        ValueError: If a length is too small or the tokenizer has no markers.
    """

    _reader = HashedTokenPreprocessor
    # Ids of characters, padding included.
    num_characters = HashedTokenPreprocessor.num_characters

    def __init__(
        self,
        tokenizer,
        max_length: int = 512,
        name: str = "text",
        max_tokens: int = 512,
        marked: bool = True,
        word_length: int | None = None,
    ):
        super().__init__(tokenizer, max_length, name, max_tokens)
        self.marked = checks.boolean("marked", marked)
        self.word_length = word_length
        length = {} if word_length is None else {"word_length": word_length}
        self._words = self._reader(
            ("a",),
            name=name,
            max_tokens=max_tokens,
            marked=self.marked,
            **length,
        )

    def __call__(self, raw):
        """Makes the model's input; see `SubwordPreprocessor`."""
        inputs, context = super().__call__(raw)
        names = ["mark"] if self.marked else []
        if self.word_length is not None:
            names.append("characters")
        if not names:
            return inputs, context
        words, _ = self._words(raw)
        starts = inputs["word_starts"]
        rank = starts.shape.rank
        missing = tf.shape(starts)[-1] - tf.shape(words["words"])[-1]
        for name in names:
            part = words[name]
            more = part.shape.rank - rank
            padding = [[0, 0]] * (rank - 1) + [[0, missing]] + [[0, 0]] * more
            part = tf.pad(part, padding)
            # A token that was dropped from a long sentence has neither.
            is_kept = starts > 0
            for _ in range(more):
                is_kept = is_kept[..., None]
            inputs[name] = tf.where(is_kept, part, 0)
        return inputs, context

    def get_config(self) -> dict:
        """Returns the arguments of the constructor, as plain data."""
        return {
            **super().get_config(),
            "marked": self.marked,
            "word_length": self.word_length,
        }


def _pieces(points, codes, is_space, starts):
    """Cuts sentences before each word, or before the space before it.

    Returns:
        A pair `(strings, is_word)` of flat tensors, one entry a piece: what
        precedes the first word, then each word with all that follows it; and
        the number of words of each sentence, int64.
    """
    counts = points.row_lengths()
    begins = points.row_starts()
    # A sentence without a word has one that stands nowhere, behind its end.
    num_words = tf.reduce_sum(tf.cast(starts >= 0, tf.int64), axis=1)
    num_words = tf.maximum(num_words, 1)
    offsets = tf.RaggedTensor.from_tensor(starts, lengths=num_words)
    offsets = tf.cast(offsets, tf.int64)
    sentence = offsets.value_rowids()
    inside = offsets.flat_values
    absolute = tf.gather(begins, sentence) + tf.maximum(inside, 0)
    before = tf.gather(
        tf.concat([[False], is_space], 0), tf.maximum(absolute, 0)
    )
    absolute -= tf.cast(before & (inside > 0), tf.int64)
    absolute = tf.where(
        inside < 0, tf.gather(begins + counts, sentence), absolute
    )
    absolute = offsets.with_values(absolute)
    cuts = tf.concat([begins[:, None], absolute, (begins + counts)[:, None]], 1)
    inner = tf.ragged.range(cuts[:, :-1].flat_values, cuts[:, 1:].flat_values)
    letters = inner.with_values(tf.gather(codes, inner.flat_values))
    text = tf.strings.unicode_encode(letters, "UTF-8")
    # Number 0 of each sentence is what precedes its first word.
    is_word = tf.ragged.range(num_words + 1).flat_values > 0
    return (text, is_word), num_words


def _marker(tokenizer, *names) -> int:
    for name in names:
        value = getattr(tokenizer, f"{name}_id", None)
        if value is not None:
            return int(value)
    raise ValueError(
        "SubwordPreprocessor needs a tokenizer with a start and an end marker, "
        f"such as BERT's. Received: {type(tokenizer).__name__} without "
        f"{names[0]!r}"
    )


def _unknown(tokenizer, otherwise: int) -> int:
    """Returns the id of a word of which a tokenizer keeps nothing."""
    token = getattr(tokenizer, "oov_token", None)
    if token is not None:
        return int(tokenizer.token_to_id(token))
    value = getattr(tokenizer, "mask_token_id", None)
    return otherwise if value is None else int(value)
