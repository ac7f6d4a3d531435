"""What `tag_parse` builds, beyond what every entry is tested for."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import own_data
from zoo.commands.predict import sentences
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


@pytest.mark.sampled
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


def _rows(heads, words=("Dogs", "bark", ".")):
    """Writes a sentence of CoNLL-U, whose features and relations are right."""
    pos = {".": "PUNCT", "bark": "VERB"}
    return "".join(
        f"{number}\t{word}\t_\t{pos.get(word, 'NOUN')}\t_\t_\t{head}\t"
        f"{'dep' if head else 'root'}\t_\t_\n"
        for number, (word, head) in enumerate(
            zip(words, heads, strict=True), start=1
        )
    )


@pytest.mark.slow
def test_folder_of_conllu_files(tmp_path):
    folder = tmp_path / "treebank"
    folder.mkdir()
    for split in ("train", "validation"):
        (folder / f"{split}.conllu").write_text(
            "# sent_id = 1\n# text = Dogs bark .\n"
            f"{_rows((2, 0, 2))}\n# sent_id = 2\n1-2\tHm\t_\t_\t_\t_\t_\t_"
            f"\t_\t_\n{_rows((0,), ('Dogs',))}\n"
        )
    places = {"data_dir": tmp_path / "prepared"}
    model = zoo.load("tag_parse", str(folder), **_SMALL, **places)
    # No word has features.
    assert set(model.tasks) == {"pos", "head", "rel"}
    assert model.tasks["pos"].class_names == ("NOUN", "PUNCT", "VERB")
    assert model.tasks["rel"].class_names == ("dep", "root")
    # As many as a sentence may have words, whatever the folder has.
    assert model.tasks["head"].num_classes == 161
    batches = zoo.dataset(
        "tag_parse", "validation", str(folder), batch_size=2, **places
    )
    ((inputs, labels, _),) = batches
    lengths = np.count_nonzero(inputs["words"], axis=1)
    rows = [labels["head"][np.flatnonzero(lengths == n)[0]] for n in (3, 1)]
    assert rows[0][:3].numpy().tolist() == [2, 0, 2]
    assert rows[1][0] == 0
    model.compile()
    scores = model.evaluate(batches, verbose=0, return_dict=True)
    assert 0 <= scores["head_las"] <= scores["head_uas"] <= 1


@pytest.mark.parametrize(
    ("heads", "line", "message"),
    [
        ((2, 0, 4), 6, "Expected a head from 0 to 3. Received: 4"),
        ((2, 0, 0), 6, "Expected one word with the head 0. Received: 2 words"),
        ((2, 1, 2), 4, "Expected one word with the head 0. Received: 0 words"),
        ((2, 1, 0), 4, "heads without a cycle. Received: a cycle of 2 words"),
        ((1, 0, 2), 4, "a cycle of 1 words: 1"),
        ((2, 0, 161), 6, "Unknown class of 'head': '161'"),
        (("", 0, 2), 4, "Expected 10 columns"),
    ],
)
def test_heads_that_are_no_tree_are_refused(tmp_path, heads, line, message):
    text = f"{_rows((0,), ('Hm',))}\n# sent_id = 2\n{_rows(heads)}\n"
    (tmp_path / "train.conllu").write_text(text)
    source = own_data.read(_ENTRY, tmp_path)
    with pytest.raises(ValueError, match="train.conllu") as error:
        source.check()
    assert message in str(error.value)
    assert f"train.conllu:{line}:" in str(error.value)
    # What is left can be looked at.
    assert [e.labels["head"] for e in source.readable_examples()] == [["0"]]


def test_folders_sentence_of_too_many_words_is_refused(tmp_path):
    heads = [0, *range(1, 161)]
    (tmp_path / "train.conllu").write_text(_rows(heads, ["a"] * 161))
    with pytest.raises(ValueError, match="at most 160 words. Received: 161"):
        own_data.read(_ENTRY, tmp_path, ("pos",)).check()


def test_marks_are_no_marks_here():
    inputs, context = _preprocessor()(["Dogs >>bark<<"])
    assert set(inputs) == {"words", "characters"}
    assert context["text"].numpy()[0] == b"Dogs >>bark<<"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trunk": "lstm"}, "Unknown trunk: 'lstm'.*mean 'bilstm'"),
        ({"trunk": "minlm"}, "'hub:PRESET'.*mean 'minilm'"),
        ({"trunk": ["conv"]}, r"Unknown trunk: \['conv'\]"),
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


def test_other_classes_of_heads_are_refused():
    spec = dataclasses.replace(
        _SPEC, classes={**_SPEC.classes, "head": ("left", "right")}
    )
    with pytest.raises(ValueError, match="without 'head'. Received: 2 classes"):
        _ENTRY.build(spec)


def test_lines_of_an_output():
    outputs = {
        "pos_names": np.array([b"NOUN", b"VERB", b""], object),
        "pos_texts": np.array([b"Dogs", b"bark", b""], object),
        "head_names": np.array([b"2", b"0", b""], object),
        "head_texts": np.array([b"Dogs", b"bark", b""], object),
        "head_tree": b"1  first\n2  second",
    }
    tasks = {task.name: task for task in _ENTRY.tasks(_SPEC)}
    tasks = {name: tasks[name] for name in ("pos", "head")}
    assert sentences.describe(outputs, tasks) == [
        "pos   Dogs/NOUN bark/VERB",
        "head",
        "  1  first",
        "  2  second",
    ]
