import math

import numpy as np
import pytest

from mtl_keras.plots import conflicts
from mtl_keras.plots import figure as paper
from mtl_keras.plots.gradient_conflicts import _cosine, _matrix, _pairs
from tests.mtl_keras.plots.monitored import epochs
from tests.mtl_keras.plots.scenes import read_png

THREE = ["box", "cls", "det"]
BLUE, RED = (5, 48, 97), (103, 0, 31)


def lines_of(**cosines):
    norms = {"a_gradient_norm": 1.0, "b_gradient_norm": 1.0}
    return {"epoch": 0, **norms, **cosines}


def near(pixels, colour):
    return int((np.abs(pixels.astype(int) - colour).max(axis=-1) < 8).sum())


def test_map_is_of_the_last_epoch_and_symmetric():
    lines = {line["epoch"]: line for line in epochs(THREE, 3)}
    pairs = _pairs(lines, None)
    matrix = _matrix(pairs, THREE, 2)
    assert np.isnan(np.diagonal(matrix)).all()
    for i, j, key in ((0, 1, "box_cls"), (0, 2, "box_det"), (1, 2, "cls_det")):
        assert matrix[i, j] == matrix[j, i] == lines[2][f"{key}_cosine"]


@pytest.mark.parametrize(
    ("value", "text"), [(-0.004, "0.00"), (-0.126, "−0.13"), (1.0, "1.00")]
)
def test_a_zero_has_no_sign(value, text):
    assert _cosine(value) == text


def test_pairs_of_names_with_underscores():
    lines = {0: epochs(["a", "a_b", "b"], 1)[0]}
    assert set(_pairs(lines, None)) == {("a", "a_b"), ("a", "b"), ("a_b", "b")}


@pytest.mark.parametrize(("cosine", "colour"), [(1.0, BLUE), (-1.0, RED)])
def test_conflict_is_red_and_agreement_blue(tmp_path, cosine, colour):
    pixels = read_png(
        conflicts([lines_of(a_b_cosine=cosine)], tmp_path / "a.png")
    )
    # Two cells of the four; the scale's end has a few pixels of it.
    assert near(pixels, colour) > 50_000
    assert near(pixels, RED if colour == BLUE else BLUE) < 1_000


def test_map_and_lines_hold_the_cosines(tmp_path, drawn):
    metrics = epochs(THREE, 4)
    conflicts(metrics, tmp_path / "a.png")
    cells, lines, _ = drawn.axes
    matrix = _matrix(_pairs(dict(enumerate(metrics)), None), THREE, 3)
    shown = cells.images[0].get_array().filled(math.nan)
    np.testing.assert_allclose(shown, matrix)
    for axis in (cells.get_xticklabels(), cells.get_yticklabels()):
        assert [label.get_text() for label in axis] == THREE
    assert "cosines of the gradients, epoch 3" in drawn.strings
    series = {tuple(line.get_ydata()) for line in lines.get_lines()}
    for first, second in (("box", "cls"), ("box", "det"), ("cls", "det")):
        values = [line[f"{first}_{second}_cosine"] for line in metrics]
        assert tuple(values) in series
        # In two cells, and at the end of the pair's line.
        assert drawn.strings.count(_cosine(values[-1])) == 2
        assert f"{_cosine(values[-1])}  {first} · {second}" in drawn.strings


@pytest.mark.sampled
@pytest.mark.parametrize(
    "names",
    [
        ["a", "b"],
        ["aortic_valve_mean_pressure_gradient", "mortality_in_30_days", "cls"],
        [f"an_attribute_{index:02}" for index in range(8)],
        [f"attribute_{index:02}" for index in range(40)],
    ],
    ids=len,
)
@pytest.mark.parametrize("num_epochs", [1, 3])
def test_texts_are_legible(tmp_path, drawn, num_epochs, names):
    conflicts(epochs(names, num_epochs), tmp_path / "new" / "a.png", "A title")
    drawn.check_texts()
    cells, lines, _ = drawn.axes
    assert min(cells.bbox.size) > 300
    assert lines.bbox.width > 150
    assert "A title" in drawn.strings


def test_numbers_fit_into_their_cells(tmp_path, drawn):
    names = [f"{'long_' * 8}{index}" for index in range(10)]
    conflicts(epochs(names, 1), tmp_path / "a.png")
    cells = drawn.axes[0]
    room = cells.bbox.width / 10
    numbers = {text.get_text() for text in cells.texts}
    assert len(numbers) > 10
    for string, extent in drawn.texts:
        if string in numbers:
            assert extent.width < 0.9 * room


def test_pairs_that_conflict_most_are_coloured_and_named(tmp_path, drawn):
    metrics = epochs([f"t{index}" for index in range(6)], 2)
    for line in metrics:
        keys = sorted(key for key in line if key.endswith("_cosine"))
        for index, key in enumerate(keys):
            line[key] = 0.9 - 0.1 * index
    conflicts(metrics, tmp_path / "a.png")
    *lines, zero = drawn.axes[1].get_lines()
    coloured = [
        line.get_ydata()[-1]
        for line in lines
        if line.get_color() in paper.TASK_COLOURS
    ]
    assert sorted(coloured) == pytest.approx([-0.5 + 0.1 * i for i in range(8)])
    assert len(lines) == 15
    assert {line.get_color() for line in lines[:7]} == {paper.RULE}
    assert "−0.50  t4 · t5" in drawn.strings
    assert not any(string.endswith("t0 · t1") for string in drawn.strings)
    assert set(zero.get_ydata()) == {0}


def test_a_value_that_is_not_finite_is_no_cosine(tmp_path, drawn):
    lines = [lines_of(a_b_cosine=None), {**lines_of(a_b_cosine=math.nan)}]
    conflicts(lines, tmp_path / "a.png")
    assert "no finite value" in drawn.strings
    assert not drawn.axes[0].texts


@pytest.mark.parametrize(
    "metrics", [[], [{"epoch": 0, "a_weight": 1.0}], [lines_of()]]
)
def test_nothing_to_draw_names_the_repair(tmp_path, metrics):
    with pytest.raises(ValueError, match="monitor=True"):
        conflicts(metrics, tmp_path / "a.png")
