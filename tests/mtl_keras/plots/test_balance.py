import math

import numpy as np
import pytest

from mtl_keras.plots import balance
from mtl_keras.plots import figure as paper
from tests.mtl_keras.plots.monitored import epochs
from tests.mtl_keras.plots.scenes import count, read_png

# The package's function `balance` hides the module of that name.
_panels = balance.__globals__["_panels"]
THREE = ["box", "cls", "det"]


def panels(metrics, tasks=None):
    return _panels({line["epoch"]: line for line in metrics}, tasks)


def test_a_panel_for_weights_their_shares_and_the_gradients():
    found = panels(epochs(THREE, 4))
    assert list(found) == [
        "weight",
        "share of the weights",
        "length of the gradient",
    ]
    assert all(list(series) == THREE for series in found.values())


def test_shares_are_of_the_absolute_weights_of_an_epoch():
    metrics = [
        {"epoch": 0, "a_weight": 1.0, "b_weight": 3.0},
        {"epoch": 1, "a_weight": -2.0, "b_weight": 2.0},
        {"epoch": 2, "a_weight": 0.0, "b_weight": 0.0},
    ]
    shares = panels(metrics)["share of the weights"]
    np.testing.assert_allclose(shares["a"][1], [0.25, 0.5, math.nan])
    np.testing.assert_allclose(shares["b"][1], [0.75, 0.5, math.nan])


def test_a_method_without_weights_shows_its_gradients_only():
    metrics = [{"epoch": 0, "a_gradient_norm": 1.0, "b_gradient_norm": 2.0}]
    assert list(panels(metrics)) == ["length of the gradient"]


def test_tasks_that_are_given_are_the_ones_drawn():
    found = panels(epochs(THREE, 2), ["cls", "det"])
    assert list(found["weight"]) == ["cls", "det"]


@pytest.mark.parametrize("num_epochs", [1, 2, 30])
@pytest.mark.parametrize("num_tasks", [1, 3, 40])
def test_draws_any_number_of_tasks_and_epochs(tmp_path, num_epochs, num_tasks):
    names = [f"task_{index}" for index in range(num_tasks)]
    path = balance(epochs(names, num_epochs), tmp_path / "new" / "a.png", "T")
    height, width = read_png(path).shape[:2]
    assert width == 1200
    assert 300 < height < 700


def test_each_task_has_its_colour_in_each_panel(tmp_path):
    pixels = read_png(balance(epochs(THREE, 5), tmp_path / "a.png"))
    for colour in paper.TASK_COLOURS[:3]:
        for panel in np.split(pixels[60:], 3, axis=1):
            assert count(panel, colour, 40) > 50
    assert not count(pixels, paper.TASK_COLOURS[3], 10)


def test_a_wide_range_is_logarithmic(tmp_path):
    lines = [
        {"epoch": epoch, "a_weight": 1e-4 * (1 + epoch), "b_weight": 100.0}
        for epoch in range(6)
    ]
    picture = read_png(balance(lines, tmp_path / "a.png"))
    heights = np.nonzero(
        np.abs(
            picture[60:, 60:530].astype(int)
            - np.array(
                [int(paper.TASK_COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)]
            )
        ).max(axis=-1)
        < 40
    )[0]
    # On a linear axis the small weight would be a flat line at the ground.
    assert np.ptp(heights) > 20


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_nothing_finite_is_said(tmp_path, value):
    lines = [{"epoch": 0, "a_weight": value, "b_weight": value}]
    picture = read_png(balance(lines, tmp_path / "a.png"))
    assert (picture < 128).any()


@pytest.mark.parametrize("metrics", [[], [{"epoch": 0, "loss": 1.0}]])
def test_nothing_to_draw_names_the_repair(tmp_path, metrics):
    with pytest.raises(ValueError, match="monitor=True"):
        balance(metrics, tmp_path / "a.png")


def test_a_line_that_is_no_dict_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"list of dicts.*metrics\[0\]=3"):
        balance([3], tmp_path / "a.png")


def test_a_path_that_is_no_png_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must end with '\.png'"):
        balance(epochs(THREE, 2), tmp_path / "a.jpg")
