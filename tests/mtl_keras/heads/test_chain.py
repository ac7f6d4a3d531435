"""The chain's probabilities against a sum over all rows of tags."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from mtl_keras import MultiTaskModel, Task
from mtl_keras.heads import valid_tags
from mtl_keras.heads.chain import ChainCRF

TOKENS, TAGS = 4, 3
PRESENT = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)


def _layer_and_scores(seed):
    rng = np.random.default_rng(seed)
    layer = ChainCRF(dtype="float32")
    layer.build([(2, TOKENS, TAGS), (2, TOKENS)])
    layer.transitions.assign(2 * rng.normal(size=(TAGS, TAGS)))
    scores = 2 * rng.normal(size=(2, TOKENS, TAGS))
    return layer, scores.astype("float32")


def _rows(scores, transitions):
    """Every row of tags with the exponential of its score."""
    for row in itertools.product(range(TAGS), repeat=len(scores)):
        total = sum(scores[t, tag] for t, tag in enumerate(row))
        total += sum(transitions[pair] for pair in itertools.pairwise(row))
        yield row, np.exp(total)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("training", [True, False])
def test_probabilities_equal_brute_force(seed, training):
    layer, scores = _layer_and_scores(seed)
    answer = ops.convert_to_numpy(layer([scores, PRESENT], training=training))
    transitions = ops.convert_to_numpy(layer.transitions)
    for example, length in enumerate((4, 2)):
        table = np.zeros((length, TAGS))
        for row, weight in _rows(scores[example, :length], transitions):
            for t, tag in enumerate(row):
                old = table[t, tag]
                table[t, tag] = old + weight if training else max(old, weight)
        table /= table.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(
            answer[example, :length], table, rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("seed", range(3))
def test_best_tags_are_the_best_row(seed):
    layer, scores = _layer_and_scores(seed)
    answer = ops.convert_to_numpy(layer([scores, PRESENT], training=False))
    transitions = ops.convert_to_numpy(layer.transitions)
    best, _ = max(_rows(scores[0], transitions), key=lambda pair: pair[1])
    assert tuple(answer[0].argmax(axis=-1)) == best


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("jit_compile", "lengths"), [(False, (3, 5)), (True, (3,))]
)
def test_head_trains_on_sentences_of_any_length(jit_compile, lengths):
    keras.utils.set_random_seed(0)
    words = keras.Input((None,), dtype="int32")
    present = ops.not_equal(words, 0)
    features = keras.layers.Embedding(6, 8)(words)
    task = Task("slot", "tagging", num_classes=3)
    slot = task.head.build(features, task, crf=True, present=present)
    model = MultiTaskModel(words, {"slot": slot}, tasks=[task])
    model.compile("sgd", jit_compile=jit_compile)
    before = model.get_weights()
    for length in lengths:
        x = np.ones((2, length), "int32")
        x[0, 2:] = 0
        y = {"slot": np.where(x > 0, 1, -1)}
        history = model.fit(x, y, verbose=0).history
        assert np.isfinite(history["loss"]).all()
    moved = [
        np.abs(old - new).max()
        for old, new in zip(before, model.get_weights(), strict=True)
    ]
    assert min(moved) > 0 and np.isfinite(moved).all()


BIO = ("O", "B-a", "I-a", "B-b", "I-b")
BIOES = ("O", "B-a", "I-a", "E-a", "S-a")
# What may follow a tag, written out; "" stands for both ends of a sentence.
FOLLOW = {
    BIO: {
        "": "O B-a B-b",
        "O": "O B-a B-b .",
        "B-a": "O B-a I-a B-b .",
        "I-a": "O B-a I-a B-b .",
        "B-b": "O B-a B-b I-b .",
        "I-b": "O B-a B-b I-b .",
    },
    BIOES: {
        "": "O B-a S-a",
        "O": "O B-a S-a .",
        "B-a": "I-a E-a",
        "I-a": "I-a E-a",
        "E-a": "O B-a S-a .",
        "S-a": "O B-a S-a .",
    },
}


def _is_valid(names, row):
    steps = ["", *(names[tag] for tag in row), "."]
    follow = FOLLOW[names]
    return all(b in follow[a].split() for a, b in itertools.pairwise(steps))


@pytest.mark.parametrize("names", FOLLOW)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_best_tags_are_the_best_valid_row(names, jit_compile):
    rng = np.random.default_rng(0)
    layer = ChainCRF(names, dtype="float32")
    layer.build([(8, TOKENS, len(names)), (8, TOKENS)])
    transitions = 2 * rng.normal(size=(len(names),) * 2)
    layer.transitions.assign(transitions)
    scores = 3 * rng.normal(size=(8, TOKENS, len(names))).astype("float32")
    inputs = keras.Input((None, len(names))), keras.Input((None,), dtype="bool")
    model = keras.Model(inputs, layer(list(inputs)))
    model.compile(jit_compile=jit_compile)
    answer = model.predict([scores, np.tile(PRESENT, (4, 1))], verbose=0)
    for example, length in enumerate(4 * (4, 2)):
        best, highest = None, -np.inf
        for row in itertools.product(range(len(names)), repeat=length):
            total = sum(scores[example, t, tag] for t, tag in enumerate(row))
            total += sum(transitions[pair] for pair in itertools.pairwise(row))
            if _is_valid(names, row) and total > highest:
                best, highest = row, total
        assert tuple(answer[example, :length].argmax(axis=-1)) == best


def test_training_considers_all_rows():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, TOKENS, len(BIO))).astype("float32")
    free, valid = ChainCRF(dtype="float32"), ChainCRF(BIO, dtype="float32")
    np.testing.assert_array_equal(
        *(layer([scores, PRESENT], training=True) for layer in (free, valid))
    )


def test_valid_tags_survive_saving():
    layer = ChainCRF.from_config(ChainCRF(BIO).get_config())
    assert layer.class_names == list(BIO)


def test_tags_of_another_number_are_refused():
    with pytest.raises(ValueError, match="3 tags needs as many class names"):
        ChainCRF(BIO).build([(2, TOKENS, 3), (2, TOKENS)])


@pytest.mark.parametrize(
    ("names", "are_spans"),
    [
        (BIO, True),
        (BIOES, True),
        (("O", "I-a"), False),
        (("O", "B-a", "I-b"), False),
        (("NOUN", "VERB"), False),
        (None, False),
    ],
)
def test_valid_tags_need_tags_of_spans(names, are_spans):
    assert valid_tags.mark_spans(names) == are_spans


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (BIO, {}, "expects crf=True"),
        (("NOUN", "VERB"), {"crf": True}, "with a B for each I"),
    ],
)
def test_valid_tags_that_cannot_be_are_refused(names, options, message):
    task = Task("slot", "tagging", class_names=names)
    features = keras.Input((None, 4))
    with pytest.raises(ValueError, match=message):
        task.head.build(features, task, valid_tags=True, **options)


def test_chain_needs_to_know_the_padding():
    task = Task("slot", "tagging", num_classes=3)
    features = keras.Input((None, 4))
    with pytest.raises(ValueError, match="needs `present`"):
        task.head.build(features, task, crf=True)


def test_tagging_without_classes():
    with pytest.raises(ValueError, match="needs `class_names`"):
        Task("slot", "tagging")


def test_metrics_follow_from_the_names():
    spans = Task("slot", "tagging", class_names=("O", "B-a", "I-a"))
    pos = Task("pos", "tagging", class_names=("NOUN", "VERB"))
    names = [[m.name for m in t.default_metrics()] for t in (spans, pos)]
    assert names == [["accuracy", "span_f1"], ["accuracy"]]
