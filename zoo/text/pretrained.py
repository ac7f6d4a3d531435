"""Pretrained trunks for sentences: MiniLM, and any backbone of KerasHub."""

from typing import NamedTuple

import keras
from keras import ops

from mtl_keras import checks
from mtl_keras.messages import unknown
from zoo.pretrained import adaptation, hub, minilm
from zoo.text.encoder import (
    MarkedSubwords,
    SubwordEncoder,
    SubwordMean,
    WordFeatures,
)

_MINILM = minilm.NAME
_SENTENCE_LAYERS = ("last", "all")
# Sub-words of a sentence where a trunk takes any number.
_NO_LIMIT = 512


class Features(NamedTuple):
    """What a pretrained trunk gives to the heads.

    Attributes:
        inputs: Dict of the model's inputs by name: `token_ids`,
            `padding_mask`, `word_starts` and, where words may be marked,
            `mark`, int32 `(batch, length)`.
        words: Features of each word's first sub-word, `(batch, length,
            channels)`, 0 at the padding.
        present: Booleans `(batch, length)`, false at the padding and for
            words that were dropped from a long sentence.
        sentence: Mean of the features of all sub-words, `(batch, channels)`,
            or with all layers `(batch, layers * channels)`.
    """

    inputs: dict
    words: object
    present: object
    sentence: object


def is_pretrained(trunk) -> bool:
    """Whether a trunk's name is one of this module's."""
    return trunk == _MINILM or hub.is_hub(trunk)


def build(
    trunk: str,
    *,
    trainable: str = "all",
    lora_rank: int = 8,
    dropout: float | None = None,
    weights: bool = True,
    num_tokens: int | None = None,
    marked: bool = False,
    sentence_layers: str = "last",
) -> Features:
    """Builds a pretrained trunk, inputs included.

    Args:
        trunk: `"minilm"`, or `"hub:"` with a preset or folder of KerasHub.
        trainable: `"all"`; `"none"`, the trunk is frozen; or `"lora"`, only
            adapters of its dense and einsum layers are trained.
        lora_rank: Integer of at least 1, the rank of these adapters.
        dropout: Float in [0, 1), fraction of features that the trunk drops in
            training, for backbones with an argument `dropout`. Defaults to
            `None`: as in pretraining.
        weights: Boolean, whether the pretrained weights are loaded.
        num_tokens: Integer, a fixed length, to count operations. Defaults to
            `None`: any length.
        marked: Boolean, whether a word may be marked. A backbone that reads
            segments (BERT) finds the word's first sub-word in the second
            segment; the features of others do not depend on the mark.
        sentence_layers: String, which layers' features of a sentence are
            given: `"last"`, or `"all"`, the embeddings included. Lower layers
            know more of a text's surface (Jawahar et al., ACL 2019).

    Returns:
        `Features`.

    Raises:
        ValueError: If the trunk is unknown or not installed, or an argument
            is out of range.
    """
    adaptation.check_mode(trainable)
    checks.boolean("marked", marked)
    if sentence_layers not in _SENTENCE_LAYERS:
        raise ValueError(
            unknown("`sentence_layers`", sentence_layers, _SENTENCE_LAYERS)
        )
    if num_tokens is not None:
        checks.integer("num_tokens", num_tokens, low=1)
    names = ["token_ids", "padding_mask", "word_starts"]
    if marked:
        names.append("mark")
    inputs = {
        name: keras.Input((num_tokens,), dtype="int32", name=name)
        for name in names
    }
    changed = {}
    if dropout is not None:
        checks.fraction("trunk_dropout", dropout, below_one=True)
        changed["dropout"] = dropout
    encoder = SubwordEncoder(
        hub.load_backbone(_preset(trunk), weights=weights, **changed),
        trainable,
        lora_rank,
        all_layers=sentence_layers == "all",
        name=adaptation.TRUNK,
    )
    read = {name: inputs[name] for name in ("token_ids", "padding_mask")}
    if marked and "segment_ids" in encoder.backbone.input:
        read["segment_ids"] = MarkedSubwords(name="trunk_mark")(
            [inputs["word_starts"], inputs["mark"]]
        )
    features = encoder(read)
    of_sentence = features
    if encoder.all_layers:
        features, of_sentence = features
    words = WordFeatures(name="trunk_words")([features, inputs["word_starts"]])
    sentence = SubwordMean(name="trunk_sentence")(
        [of_sentence, inputs["padding_mask"]]
    )
    present = ops.greater(inputs["word_starts"], 0)
    return Features(inputs, words, present, sentence)


def preprocessor(
    trunk: str,
    max_length: int | None = None,
    *,
    marked: bool | None = None,
    max_tokens: int = 512,
    word_length: int | None = None,
):
    """Makes what turns sentences into a pretrained trunk's inputs.

    Args:
        trunk: String, as for `build`.
        max_length: Integer, the most sub-words of a sentence; a longer one is
            truncated at its end, see `SubwordPreprocessor`. Defaults to the
            number of the trunk's positions, 512 where there is no limit.
        marked: Boolean, where white space alone separates words, whether
            they may be marked. Defaults to `None`: words are those of
            `mtl_keras.data.SentencePreprocessor`.
        max_tokens: Integer, the most words of a sentence, as for
            `SubwordPreprocessor`.
        word_length: Integer, as for `TokenSubwordPreprocessor`; needs
            `marked`.

    Returns:
        `mtl_keras.data.SubwordPreprocessor`, or a `TokenSubwordPreprocessor`
        where `marked` is given.

    Raises:
        ValueError: If the trunk is unknown or not installed, or has fewer
            positions, or `word_length` is given without `marked`.
    """
    from mtl_keras.data import SubwordPreprocessor, TokenSubwordPreprocessor

    preset = _preset(trunk)
    limit = hub.max_length(preset)
    if max_length is not None:
        checks.integer("max_length", max_length, low=3)
    if max_length is None:
        max_length = limit or _NO_LIMIT
    elif limit is not None and max_length > limit:
        raise ValueError(
            f"The trunk {trunk!r} has {limit} positions. "
            f"Received: max_length={max_length}"
        )
    if marked is None and word_length is not None:
        raise ValueError(
            "`word_length` needs `marked`, True or False. Received: "
            f"word_length={word_length}, marked=None"
        )
    tokenizer = hub.load_tokenizer(preset)
    if marked is None:
        return SubwordPreprocessor(tokenizer, max_length, max_tokens=max_tokens)
    return TokenSubwordPreprocessor(
        tokenizer,
        max_length,
        max_tokens=max_tokens,
        marked=marked,
        word_length=word_length,
    )


def _preset(trunk) -> str:
    if trunk == _MINILM:
        return f"{hub.PREFIX}{minilm.folder()}"
    if not hub.is_hub(trunk):
        raise ValueError(
            f"A pretrained text trunk is {_MINILM!r} or 'hub:' with a preset "
            f"or folder of KerasHub. Received: trunk={trunk!r}"
        )
    return trunk
