"""What `tag_parse` builds, beyond what every entry is tested for."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.text import tag_parse, trunks
from zoo.text.biaffine import BiaffineArcs, BiaffineRelations

_ENTRY = tag_parse.TagParse()
_SPEC = _ENTRY.spec("ewt_joint")
_SMALL = {
    "units": 8,
    "word_units": 8,
    "spelling_units": 8,
    "hidden": 8,
    "arc_units": 8,
    "relation_units": 4,
}
_SENTENCES = ("Dogs bark .", "They said they left Rome", "Hm .")


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("ewt_joint", tasks), **overrides)


@functools.cache
def _preprocessor():
    # Its graph takes seconds to trace: once.
    return _ENTRY.preprocessor(_SPEC)


def _inputs(texts):
    return _preprocessor()(tf.constant(texts))[0]


@pytest.mark.parametrize("trunk", trunks.list_trunks())
def test_padding_changes_no_output(trunk):
    keras.utils.set_random_seed(0)
    model = _build(trunk=trunk, **_SMALL)
    together = model(_inputs(_SENTENCES))
    for row, sentence in enumerate(_SENTENCES):
        alone = model(_inputs([sentence]))
        length = alone["pos"].shape[1]
        for name, output in alone.items():
            np.testing.assert_allclose(
                output[0], together[name][row, :length], atol=1e-5
            )


def test_arcs_are_those_of_the_formula():
    keras.utils.set_random_seed(0)
    layer = BiaffineArcs(limit=6, units=4)
    x = np.random.default_rng(0).normal(size=(1, 3, 5)).astype("float32")
    present = np.array([[True, True, False]])
    output = np.asarray(layer([x, present]))
    assert output.shape == (1, 3, 7)
    layer.bias.assign([0.5, -1.0, 0.0, 2.0])
    output = np.asarray(layer([x, present]))[0]
    dependent = np.asarray(layer.dependent(x))[0]
    heads = np.concatenate(
        [np.asarray(layer.root)[None], np.asarray(layer.head(x))[0]]
    )
    kernel, bias = np.asarray(layer.kernel), np.asarray(layer.bias)
    # Of word 1 the root and word 2 can be heads: not itself, not the padding.
    scores = [
        dependent[0] @ kernel @ heads[h] + bias @ heads[h] for h in (0, 2)
    ]
    expected = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(output[0, [0, 2]], expected, rtol=1e-4)
    np.testing.assert_allclose(output[0, [1, 3, 4, 5, 6]], 0, atol=1e-6)
    np.testing.assert_allclose(output.sum(axis=-1), 1, rtol=1e-5)


def test_relations_read_the_vector_of_the_head():
    keras.utils.set_random_seed(0)
    layer = BiaffineRelations(num_classes=3, units=4)
    x = np.random.default_rng(0).normal(size=(1, 2, 5)).astype("float32")
    arcs = np.zeros((1, 2, 6), "float32")
    arcs[0, 0, 2] = arcs[0, 1, 0] = 1
    output = np.asarray(layer([x, arcs]))[0]
    dependent = np.asarray(layer.dependent(x))[0]
    heads = [np.asarray(layer.head(x))[0, 1], np.asarray(layer.root)]
    kernel = np.asarray(layer.kernel).reshape(4, 3, 4)
    for word, head in enumerate(heads):
        both = np.concatenate([dependent[word], head])
        scores = np.einsum("i,irj,j->r", dependent[word], kernel, head)
        scores += np.asarray(layer.linear(both[None]))[0]
        expected = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(output[word], expected, rtol=1e-4)


def test_relations_alone_have_arcs_inside():
    model = _build(("rel",), **_SMALL)
    assert list(model.tasks) == ["rel"]
    names = [
        metric.name
        for metric in _build(("head",), **_SMALL).tasks["head"].metrics[1:]
    ]
    assert names == ["uas"]
    assert model.get_layer("head")


def test_metrics_are_those_of_the_tree():
    model = _build(**_SMALL)
    names = [metric.name for metric in model.tasks["head"].metrics[1:]]
    assert names == ["uas", "las"]


def test_sentences_of_more_words_than_the_limit_are_refused():
    _inputs(["a " * 160])
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 160"):
        _inputs(["a " * 161])


def test_marks_are_no_marks_here():
    inputs, context = _preprocessor()(["Dogs >>bark<<"])
    assert set(inputs) == {"words", "characters"}
    assert context["text"].numpy()[0] == b"Dogs >>bark<<"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trunk": "lstm"}, "Unknown trunk: 'lstm'.*mean 'bilstm'"),
        ({"tasks": ("heads",)}, "mean 'head'"),
        ({"units": 6}, "multiple of 4"),
        ({"arc_units": 0}, "`arc_units` must be an integer of at least 1"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"lora_rank": 4}, "no effect on the trunk 'conv'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        _build(**arguments)
