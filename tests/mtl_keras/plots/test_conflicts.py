import math

import numpy as np
import pytest

from mtl_keras.plots import conflicts
from mtl_keras.plots import figure as paper
from tests.mtl_keras.plots.monitored import epochs
from tests.mtl_keras.plots.scenes import count, read_png

_pairs = conflicts.__globals__["_pairs"]
_matrix = conflicts.__globals__["_matrix"]
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
    assert conflicts.__globals__["_cosine"](value) == text


def test_pairs_of_names_with_underscores():
    lines = {0: epochs(["a", "a_b", "b"], 1)[0]}
    assert set(_pairs(lines, None)) == {("a", "a_b"), ("a", "b"), ("a_b", "b")}


@pytest.mark.parametrize(("cosine", "colour"), [(1.0, BLUE), (-1.0, RED)])
def test_conflict_is_red_and_agreement_blue(tmp_path, cosine, colour):
    path = conflicts([lines_of(a_b_cosine=cosine)], tmp_path / "a.png")
    # Two cells of the four; the key's end has a few pixels of it.
    assert near(read_png(path), colour) > 50_000
    other = RED if colour == BLUE else BLUE
    assert near(read_png(path), other) < 1_000


@pytest.mark.parametrize("num_epochs", [1, 2, 30])
@pytest.mark.parametrize("num_tasks", [2, 3, 12])
def test_draws_any_number_of_tasks_and_epochs(tmp_path, num_epochs, num_tasks):
    names = [f"task_{index:02}" for index in range(num_tasks)]
    path = conflicts(epochs(names, num_epochs), tmp_path / "new" / "a.png", "T")
    height, width = read_png(path).shape[:2]
    assert width == 1200
    assert 450 < height < 750


def test_pairs_that_conflict_most_are_coloured(tmp_path):
    names = [f"t{index}" for index in range(6)]
    lines = epochs(names, 5)
    for line in lines:
        for key in line:
            if key.endswith("_cosine"):
                line[key] = 0.9
    lows = ["t0_t5", "t1_t4"]
    for index, key in enumerate(lows):
        for line in lines:
            line[f"{key}_cosine"] = -0.4 - 0.2 * index
    pixels = read_png(conflicts(lines, tmp_path / "a.png"))[:, 620:]
    lowest = pixels[len(pixels) // 2 :]
    # Eight pairs have a colour; only the two that conflict lie that low.
    drawn = [c for c in paper.TASK_COLOURS if count(lowest, c, 30) > 100]
    assert len(drawn) == 2


def test_a_value_that_is_not_finite_is_no_cosine(tmp_path):
    lines = [lines_of(a_b_cosine=None), {**lines_of(a_b_cosine=math.nan)}]
    picture = read_png(conflicts(lines, tmp_path / "a.png"))
    assert not near(picture[:, :500], RED)


@pytest.mark.parametrize(
    "metrics", [[], [{"epoch": 0, "a_weight": 1.0}], [lines_of()]]
)
def test_nothing_to_draw_names_the_repair(tmp_path, metrics):
    with pytest.raises(ValueError, match="monitor=True"):
        conflicts(metrics, tmp_path / "a.png")
