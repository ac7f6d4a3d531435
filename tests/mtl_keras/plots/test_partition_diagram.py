"""The diagram of what a model's tasks share."""

import keras
import pytest
from matplotlib.colors import to_rgba

from mtl_keras import graph
from mtl_keras.plots import figure as paper
from mtl_keras.plots import partition
from mtl_keras.plots.partition_diagram import _frontier, _place, _trunk_lines
from tests.mtl_keras import test_graph as graphs
from tests.mtl_keras.plots.scenes import count, read_png


@pytest.mark.parametrize("build", graphs.MODELS)
def test_every_kind_of_model_is_drawn(tmp_path, drawn, build):
    model, _, _ = graphs.make(build)
    before = model.get_config()
    pixels = read_png(partition(model, tmp_path / "deep" / "parts.png"))
    assert pixels.shape[1] == 1240
    assert model.get_config() == before
    for colour in paper.TASK_COLOURS[: len(model.output)]:
        assert count(pixels, colour, 70) > 500
    drawn.check_texts()
    for name in model.output:
        assert name in drawn.strings


@pytest.mark.parametrize("build", graphs.MODELS)
def test_frontier_boxes_stand_apart_and_inside(build):
    parts = graph.partition(graphs.make(build)[0])
    tensors = _frontier(parts)
    top, inner = 60, max(54 * len(tensors), 64 * len(parts.tasks))
    rows = {name: top + 64 * (i + 0.5) for i, name in enumerate(parts.tasks)}
    _place(tensors, rows, top, inner)
    heights = sorted(tensor.y for tensor in tensors)
    for low, high in zip(heights, heights[1:], strict=False):
        assert high - low >= 54 - 1e-6
    assert heights[0] >= top + 22 - 1e-6
    assert heights[-1] <= top + inner - 22 + 1e-6


def test_long_trunk_is_cut_in_the_middle():
    x = hidden = keras.Input((4,), name="x")
    for index in range(30):
        hidden = keras.layers.Dense(4, name=f"t{index}")(hidden)
    dense = keras.layers.Dense
    model = keras.Model(x, {n: dense(1, name=n)(hidden) for n in "ab"})
    lines = _trunk_lines(graph.partition(model))
    assert len(lines) == 18
    assert lines[0] == ("input x", "4", "")
    assert lines[1] == ("t0", "4", "20")
    assert lines[9] == ("… 14 more …", "", "")
    assert [name for name, _, _ in lines[10:]] == [
        f"t{index}" for index in range(22, 30)
    ]


def test_layer_called_twice_is_listed_once():
    lines = _trunk_lines(
        graph.partition(graphs.make(graphs.layer_in_two_heads)[0])
    )
    assert [name for name, _, _ in lines][-1] == "twice (2×)"


def lines_of(drawn, kind):
    from matplotlib.patches import PathPatch

    (axes,) = drawn.axes
    return [
        (patch.get_edgecolor(), patch.get_linestyle() not in ("-", "solid"))
        for patch in axes.patches
        if isinstance(patch, PathPatch) == (kind == "edge")
    ]


def test_edges_lead_to_the_readers_dashed_without_a_gradient(tmp_path, drawn):
    # The gates of both tasks read the input and the experts.
    partition(graphs.make(graphs.mmoe)[0], tmp_path / "a.png")
    edges = sorted(lines_of(drawn, "edge"))
    first, second, grey = map(to_rgba, (*paper.TASK_COLOURS[:2], paper.FAINT))
    expected = [(grey, False)]
    expected += [(colour, b) for colour in (first, second) for b in (0, 1)]
    assert edges == sorted(expected)
    assert sum(is_dashed for _, is_dashed in lines_of(drawn, "box")) == 1
    assert "no gradient flows back" in drawn.strings


def test_sharing_is_stated_in_the_header(tmp_path, drawn):
    x = keras.Input((3,))
    hidden = keras.layers.Dense(5)(x)
    outputs = {name: keras.layers.Dense(1)(hidden) for name in "ab"}
    partition(keras.Model(x, outputs), tmp_path / "a.png", title="Two")
    # 3 * 5 + 5 in the trunk, 5 + 1 in each head.
    for text in ("32 parameters, 62% shared", "20 parameters", "Two"):
        assert text in drawn.strings
    assert drawn.strings.count("6 parameters") == 2
    assert "no gradient flows back" not in drawn.strings


def test_same_model_same_bytes(tmp_path):
    model, _, _ = graphs.make(graphs.mmoe)
    first = partition(model, tmp_path / "a.png").read_bytes()
    assert partition(model, tmp_path / "b.png").read_bytes() == first
    other = partition(model, tmp_path / "c.png", title="Experts").read_bytes()
    assert other != first


def test_model_without_a_graph_is_an_error(tmp_path):
    class Own(keras.Model):
        def call(self, x):
            return {"a": x}

    with pytest.raises(ValueError, match="functional model"):
        partition(Own(), tmp_path / "a.png")
    with pytest.raises(ValueError, match="must end with '.png'"):
        partition(graphs.make(graphs.mmoe)[0], tmp_path / "a.pdf")
