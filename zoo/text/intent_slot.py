"""One sentence, two questions: what is wanted, and which words say what.

A shared trunk over words and their characters; a head for the intent, and one
for the tags of the words, which reads the intent's answer as well.
"""

import functools
import importlib.resources
from collections.abc import Sequence

import keras
from keras import layers, ops

from mtl_keras import MultiTaskModel, Task, metrics
from mtl_keras import data as mtl_data
from zoo import arguments
from zoo.datasets.snips import names as snips_names
from zoo.text import trunks
from zoo.text.layers import BesideTokens, SentencePooling, Spelling

DATA = {"snips": "zoo.datasets.snips:Builder"}

CARD = {
    "summary": (
        "One sentence, two questions: what the speaker wants (intent), and "
        "which words name the artist, the city, the time ... (slot)."
    ),
}

_KINDS = {"intent": "classification", "slot": "tagging"}
_CLASS_NAMES = {
    "snips": {"intent": snips_names.INTENTS, "slot": snips_names.TAGS}
}
_WORD_LENGTH = 14
# Five shapes hold nearly all sentences; the last ones are of 35 words.
_BUCKETS = (8, 12, 16, 24, 36)
_COUNTED_TOKENS = 12
_DEPTHS = {"bilstm": (1, 2), "conv": (2, 7), "transformer": (1, 3)}


def tasks(data: str, names: Sequence[str] | None = None) -> tuple[Task, ...]:
    """Makes the questions.

    Args:
        data: String, a key of `DATA`: it decides intents and slots.
        names: Sequence of strings, the tasks wanted. Defaults to both.

    Returns:
        Tuple of `Task` in the order of `names`.

    Raises:
        ValueError: If a name is unknown or there is none.
    """
    names = arguments.task_names(names, _KINDS)
    return tuple(_task(data, name, names) for name in names)


def _task(data, name, names) -> Task:
    classes = _CLASS_NAMES[data][name]
    if name == "intent":
        return Task(name, _KINDS[name], class_names=classes)
    judged = ["accuracy", metrics.SpanF1(class_names=classes)]
    if "intent" in names:
        judged.append(metrics.SentenceAccuracy(("intent", "slot")))
    return Task(name, _KINDS[name], class_names=classes, metrics=judged)


def build(
    data: str,
    *,
    trunk: str = "conv",
    tasks: Sequence[str] = ("intent", "slot"),
    units: int = 160,
    depth: int | None = None,
    word_units: int = 128,
    spelling_units: int = 96,
    dropout: float = 0.4,
    crf: bool = False,
    intent_to_slot: bool = True,
) -> MultiTaskModel:
    """Builds the model.

    Args:
        data: String, a key of `DATA`.
        trunk: String: `"conv"`, gated dilated convolutions; `"bilstm"`; or
            `"transformer"`, a small one. See `zoo.text.trunks`.
        tasks: Sequence of strings, the questions to be answered.
        units: Integer, channels of the trunk, a multiple of 4.
        depth: Integer, the number of the trunk's blocks. Defaults to `None`:
            5 of `"conv"`, 1 of `"bilstm"`, 2 of `"transformer"`.
        word_units: Integer, numbers a known word.
        spelling_units: Integer, numbers a word's characters give.
        dropout: Float in [0, 1), share of features dropped in training: of
            the words', of each block's and of each head's.
        crf: Boolean, whether neighbouring tags are answered together, by a
            `ChainCRF`.
        intent_to_slot: Boolean, whether the tags' head reads the intent's
            probabilities (Qin et al., EMNLP 2019), where both are asked. The
            intent's head is then shared by both tasks.

    Returns:
        `MultiTaskModel`. Inputs: `words`, int32 ids `(batch, tokens)`, and
        `characters`, int32 ids `(batch, tokens, 14)`, 0 being padding, of any
        number of tokens. Outputs: `intent`, probabilities `(batch, 7)`;
        `slot`, probabilities of the tags `(batch, tokens, 79)`, which mean
        nothing at the padding.

    Raises:
        ValueError: If an argument is unknown or out of range.
    """
    return _build(**locals())


def countable(data: str) -> MultiTaskModel:
    """Builds the model for 12 words and without a loop, to be counted.

    Args:
        data: String, a key of `DATA`.

    Returns:
        `MultiTaskModel` with the default arguments.
    """
    defaults = build.__kwdefaults__
    return _build(data, **defaults, num_tokens=_COUNTED_TOKENS)


def _build(
    data,
    trunk,
    tasks,
    units,
    depth,
    word_units,
    spelling_units,
    dropout,
    crf,
    intent_to_slot,
    num_tokens=None,
):
    _check(units=units, word_units=word_units, spelling_units=spelling_units)
    _check(depth=1 if depth is None else depth)
    if units % 4:
        raise ValueError(
            f"`units` must be a multiple of 4. Received: units={units!r}"
        )
    arguments.check_dropout(dropout)
    answered = {task.name: task for task in _tasks(data, tasks)}
    words = keras.Input((num_tokens,), dtype="int32", name="words")
    characters = keras.Input(
        (num_tokens, _WORD_LENGTH), dtype="int32", name="characters"
    )
    present = ops.not_equal(words, 0)
    known = preprocessor(data)
    read = layers.Concatenate(name="word_features")(
        [
            layers.Embedding(known.num_words, word_units, name="word")(words),
            Spelling(known.num_characters, spelling_units, name="spelling")(
                characters
            ),
        ]
    )
    if dropout:
        read = layers.Dropout(dropout, name="word_dropout")(read)
    unroll = num_tokens is not None
    features = trunks.build(
        read, present, trunk, units, dropout, depth=depth, unroll=unroll
    )
    outputs = {}
    if "intent" in answered:
        task = answered["intent"]
        pooled = SentencePooling(name="intent_pool")([features, present])
        outputs["intent"] = task.head.build(pooled, task, dropout=dropout)
    if "slot" in answered:
        task = answered["slot"]
        if intent_to_slot and "intent" in answered:
            features = BesideTokens(name="slot_intent")(
                [features, outputs["intent"]]
            )
        outputs["slot"] = task.head.build(
            features,
            task,
            hidden=units,
            dropout=dropout,
            crf=crf,
            present=present,
        )
    inputs = {"words": words, "characters": characters}
    return MultiTaskModel(
        inputs, outputs, tasks=list(answered.values()), name="intent_slot"
    )


def preprocessor(data: str):
    """Makes what turns sentences into the model's inputs.

    Args:
        data: String, a key of `DATA`.

    Returns:
        `mtl_keras.data.SentencePreprocessor` with the words that the training
        split holds at least twice.
    """
    return mtl_data.SentencePreprocessor(_words(data), _WORD_LENGTH)


def postprocessor(data: str, *, tasks: Sequence[str] = ("intent", "slot")):
    """Makes what turns the outputs into an intent's name and slots.

    Args:
        data: String, a key of `DATA`.
        tasks: Sequence of strings, as for `build`.

    Returns:
        `mtl_keras.data.SpanDecoder`.
    """
    return mtl_data.SpanDecoder(_tasks(data, tasks))


def example(data: str):
    """Makes the function from a data set's example to input and labels.

    Args:
        data: String, a key of `DATA`.

    Returns:
        Function of a dict of tensors that returns a pair: a dict with the
        sentence as `text`, and a dict with the labels of both tasks.
    """
    del data
    import tensorflow as tf

    def split(element):
        text = tf.strings.reduce_join(element["tokens"], separator=" ")
        return {"text": text}, {
            "intent": element["intent"],
            "slot": element["tags"],
        }

    return split


def augmentation(data: str):
    """Makes the random changes of training sentences; tags move along.

    Args:
        data: String, a key of `DATA`.

    Returns:
        Function of a batch's `(inputs, labels, seed)`.
    """
    return mtl_data.augment.Compose(
        (
            mtl_data.swap.SwapSpans(_CLASS_NAMES[data]["slot"], rate=0.5),
            mtl_data.swap.HideWords(rate=0.05),
        )
    )


def batching(data: str) -> dict:
    """Says how examples become batches.

    Args:
        data: String, a key of `DATA`.

    Returns:
        Dict of arguments of `mtl_keras.data.pipeline`.
    """
    del data
    return {"bucket_lengths": _BUCKETS}


def search(hp, space: str, given: dict) -> dict:
    """Chooses what a search tries of this model.

    Args:
        hp: `keras_tuner.HyperParameters`.
        space: String, `"small"` or `"full"`.
        given: Dict, the named arguments of `build` that are the defaults.

    Returns:
        Dict of named arguments of `build`.
    """
    found = {"dropout": hp.Float("dropout", 0.0, 0.7, default=given["dropout"])}
    if space == "small":
        return found
    found["trunk"] = hp.Choice(
        "trunk", trunks.list_trunks(), default=given["trunk"]
    )
    for trunk, (low, high) in _DEPTHS.items():
        own = trunks.own_depth(trunk)
        if trunk == given["trunk"] and given["depth"] is not None:
            own = given["depth"]
        depth = hp.Int(
            f"{trunk}.depth",
            min(low, own),
            max(high, own),
            default=own,
            parent_name="trunk",
            parent_values=[trunk],
        )
        if depth is not None:
            found["depth"] = depth
    units = sorted({96, 128, 160, 224, given["units"]})
    found["units"] = hp.Choice("units", units, default=given["units"])
    for name in ("crf", "intent_to_slot"):
        found[name] = hp.Boolean(name, default=given[name])
    return found


_tasks = tasks


@functools.cache
def _words(data) -> tuple[str, ...]:
    """Reads the vocabulary, which lies beside the data set's builder."""
    package = importlib.resources.files(f"zoo.datasets.{data}")
    text = package.joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(text.split("\n")[:-1])


def _check(**sizes) -> None:
    for name, value in sizes.items():
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < 1:
            raise ValueError(
                f"`{name}` must be an integer of at least 1. "
                f"Received: {name}={value!r}"
            )
