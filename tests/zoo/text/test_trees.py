"""Trees decoded from arc scores, compared with a search of all trees."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task
from mtl_keras.data import TokenPreprocessor
from zoo.datasets import tree_faults
from zoo.text import trees


def _trees(num_words):
    """Every assignment of heads that is a tree with one root."""
    for heads in itertools.product(range(num_words + 1), repeat=num_words):
        nodes = set(range(1, num_words + 1))
        reached, grown = {0}, True
        while grown:
            new = {n for n in nodes - reached if heads[n - 1] in reached}
            grown, reached = bool(new), reached | new
        if reached > nodes and heads.count(0) == 1:
            yield np.array(heads)


def test_search_finds_as_many_trees_as_cayley():
    # n ** (n - 1) rooted trees of n labelled nodes.
    assert [sum(1 for _ in _trees(n)) for n in (1, 2, 3, 4)] == [1, 2, 9, 64]


@pytest.mark.parametrize("seed", range(20))
def test_decoded_tree_is_the_most_probable_one(seed):
    rng = np.random.default_rng(seed)
    for num_words in (1, 2, 3, 4, 5):
        # Far from even, so that many words prefer a cycle or the root.
        arcs = rng.dirichlet(np.full(num_words + 1, 0.3), num_words)
        arcs = np.maximum(arcs, 1e-6)
        rows = np.arange(num_words)
        arcs[rows, rows + 1] = 0
        heads = trees.decode(arcs)
        best = max(_trees(num_words), key=lambda t: np.log(arcs[rows, t]).sum())
        np.testing.assert_allclose(
            np.log(arcs[rows, heads]).sum(), np.log(arcs[rows, best]).sum()
        )
        assert any((heads == tree).all() for tree in _trees(num_words))


def test_columns_behind_the_words_are_ignored():
    arcs = np.zeros((2, 6))
    arcs[0, 0] = arcs[1, 1] = 0.4
    arcs[:, 5] = 0.6
    assert trees.decode(arcs).tolist() == [0, 1]


def test_equal_scores_make_a_tree():
    heads = trees.decode(np.zeros((6, 7)))
    assert any((heads == tree).all() for tree in _trees(6))


def _split():
    # Word 2 of sentence 1 prefers itself in no way; sentence 2 has one word.
    label = np.array([[2, 0, 2], [0, -1, -1]])
    predicted = np.zeros((2, 3, 5), "float32")
    predicted[0, 0, 2] = predicted[0, 1, 0] = 1
    # The wrong head.
    predicted[0, 2, 1] = 1
    predicted[1, 0, 0] = 1
    relation = np.zeros((2, 3, 2), "float32")
    relation[..., 1] = 1
    return (
        {"head": label, "rel": np.array([[1, 0, 1], [1, -1, -1]])},
        {"head": predicted, "rel": relation},
        {name: (label >= 0).astype("float32") for name in ("head", "rel")},
    )


def test_attachment_scores_worked_by_hand():
    # 3 of 4 heads are right; of these one relation is wrong.
    assert trees.AttachmentScore().result(*_split(), "head") == 0.75
    assert trees.AttachmentScore("rel").result(*_split(), "head") == 0.5


def test_heads_are_scored_as_a_tree():
    labels, predicted, weight = _split()
    # A cycle of words 1 and 2, which the tree breaks at the weaker arc.
    predicted["head"][0, :2] = 0
    predicted["head"][0, 0, 2] = 0.9
    predicted["head"][0, 1, [0, 1]] = 0.4, 0.6
    assert trees.AttachmentScore().result(
        labels, predicted, weight, "head"
    ) == (0.75)


def test_scores_without_labels_or_with_nan_are_nan():
    labels, predicted, weight = _split()
    nothing = {name: np.zeros_like(value) for name, value in weight.items()}
    metric = trees.AttachmentScore()
    assert np.isnan(metric.result(labels, predicted, nothing, "head"))
    predicted["head"][0, 0, 0] = np.nan
    assert np.isnan(metric.result(labels, predicted, weight, "head"))


def test_names_and_configs():
    for relation, name in ((None, "uas"), ("rel", "las")):
        metric = trees.AttachmentScore(relation)
        assert metric.name == name
        again = trees.AttachmentScore.from_config(metric.get_config())
        assert (again.name, again.relation) == (name, relation)
    assert trees.AttachmentScore("rel").reads("head") == ("head", "rel")


def test_decoder_makes_a_tree_in_python_and_not_in_a_graph():
    _, context = TokenPreprocessor(["a"], marked=False)(["a b", "c"])
    arcs = np.zeros((2, 2, 4), "float32")
    arcs[1, 0, 0] = 1
    # Both words prefer each other.
    arcs[0, 0, :3] = 0.4, 0, 0.6
    arcs[0, 1, :3] = 0.1, 0.9, 0
    names = ("0", "1", "2", "3")
    decoder = trees.TreeDecoder([Task("head", "tagging", class_names=names)])
    eager = decoder({"head": arcs}, context)
    assert eager["head_names"].numpy().tolist() == [[b"0", b"1"], [b"0", b""]]
    drawn = [text.decode() for text in eager["head_tree"].numpy()]
    assert drawn == ["1  a    0\n2  └╴b  1", "1  c  0"]
    traced = tf.function(lambda x: decoder({"head": x}, context)["head_names"])
    assert traced(tf.constant(arcs)).numpy().tolist() == [
        [b"2", b"1"],
        [b"0", b""],
    ]
    again = trees.TreeDecoder.from_config(decoder.get_config())
    assert again.get_config() == decoder.get_config()


def test_drawing_joins_each_word_to_its_head():
    words = ["They", "said", "they", "left", "Rome", "."]
    drawing = trees.draw(words, [2, 0, 4, 2, 4, 2], ["P", "V"] * 3)
    assert drawing.split("\n") == [
        "1  ┌╴They    2  P",
        "2  said      0  V",
        "3  │ ┌╴they  4  P",
        "4  ├╴left    2  V",
        "5  │ └╴Rome  4  P",
        "6  └╴.       2  V",
    ]
    assert trees.draw(["Hm"], [0]) == "1  Hm  0"


@pytest.mark.parametrize("num_words", [1, 2, 3, 4])
def test_faults_are_found_in_all_heads_that_are_no_tree(num_words):
    expected = {tuple(tree) for tree in _trees(num_words)}
    for heads in itertools.product(range(num_words + 2), repeat=num_words):
        fault = tree_faults.first(heads)
        assert (fault is None) == (heads in expected), heads
        assert fault is None or 0 <= fault.index < num_words
