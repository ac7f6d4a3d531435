import math

import numpy as np
import pytest

from mtl_keras.plots import balance
from mtl_keras.plots import figure as paper
from mtl_keras.plots.task_weights import _panels
from tests.mtl_keras.plots.monitored import epochs

THREE = ["box", "cls", "det"]
SUBJECTS = ["weight", "fraction of the weights", "norm of the gradient"]


def panels(metrics, tasks=None):
    return _panels({line["epoch"]: line for line in metrics}, tasks)


def test_a_panel_for_weights_their_fractions_and_the_gradients():
    series = panels(epochs(THREE, 4))
    assert list(series) == SUBJECTS
    assert all(list(lines) == THREE for lines in series.values())


def test_fractions_are_of_the_absolute_weights_of_an_epoch():
    metrics = [
        {"epoch": 0, "a_weight": 1.0, "b_weight": 3.0},
        {"epoch": 1, "a_weight": -2.0, "b_weight": 2.0},
        {"epoch": 2, "a_weight": 0.0, "b_weight": 0.0},
    ]
    fractions = panels(metrics)["fraction of the weights"]
    np.testing.assert_allclose(fractions["a"][1], [0.25, 0.5, math.nan])
    np.testing.assert_allclose(fractions["b"][1], [0.75, 0.5, math.nan])


def test_a_method_without_weights_shows_its_gradients_only():
    metrics = [{"epoch": 0, "a_gradient_norm": 1.0, "b_gradient_norm": 2.0}]
    assert list(panels(metrics)) == ["norm of the gradient"]


def test_only_the_tasks_that_are_named_are_drawn():
    series = panels(epochs(THREE, 2), ["cls", "det"])
    assert list(series["weight"]) == ["cls", "det"]


def test_each_panel_holds_its_values_in_the_tasks_colours(tmp_path, drawn):
    metrics = epochs(THREE, 5)
    balance(metrics, tmp_path / "a.png")
    assert [axes.get_title(loc="left") for axes in drawn.axes] == SUBJECTS
    for axes, ending in ((drawn.axes[0], "weight"), (drawn.axes[2], "norm")):
        for index, line in enumerate(axes.get_lines()):
            (key,) = [
                key
                for key in metrics[0]
                if key.startswith(THREE[index]) and key.endswith(ending)
            ]
            values = [entry[key] for entry in metrics]
            np.testing.assert_allclose(line.get_ydata(), values)
            assert line.get_color() == paper.TASK_COLOURS[index]
            assert f"{values[-1]:.3f}" in drawn.strings


def test_the_key_names_each_task_with_its_line(tmp_path, drawn):
    names = [f"task_{index:02}" for index in range(40)]
    balance(epochs(names, 2), tmp_path / "a.png")
    (legend,) = drawn.figure.legends
    looks = {}
    for text, handle in zip(
        legend.get_texts(), legend.get_lines(), strict=True
    ):
        dashes = str(handle._unscaled_dash_pattern)
        looks[text.get_text()] = (handle.get_color(), dashes)
    assert sorted(looks) == names
    assert len(set(looks.values())) == 40
    for name, line in zip(names, drawn.axes[0].get_lines(), strict=True):
        dashes = str(line._unscaled_dash_pattern)
        assert looks[name] == (line.get_color(), dashes)
    # From left to right, then down.
    places = {string: extent for string, extent in drawn.texts}
    assert places[names[1]].x0 > places[names[0]].x1
    assert places[names[39]].y1 < places[names[0]].y0


@pytest.mark.parametrize("num_epochs", [1, 30])
@pytest.mark.parametrize(
    "names",
    [
        ["cls"],
        ["aortic_valve_mean_pressure_gradient" * 2, "cls", "det"],
        [f"task_{index:02}" for index in range(12)],
        [f"task_{index:02}" for index in range(40)],
    ],
    ids=len,
)
def test_texts_are_legible(tmp_path, drawn, num_epochs, names):
    balance(epochs(names, num_epochs), tmp_path / "new" / "a.png", "A title")
    drawn.check_texts()
    assert drawn.figure.bbox.width == pytest.approx(1200, abs=0.01)
    for axes in drawn.axes:
        assert axes.bbox.height > 200
        assert axes.bbox.width > 200
    assert "A title" in drawn.strings


@pytest.mark.parametrize(("high", "scale"), [(3.2, "log"), (2.9, "linear")])
def test_a_wide_range_is_logarithmic(tmp_path, drawn, high, scale):
    lines = [{"epoch": 0, "a_weight": 0.1, "b_weight": high}]
    balance(lines, tmp_path / "a.png")
    weights, fractions = drawn.axes
    assert weights.get_yscale() == scale
    assert fractions.get_yscale() == "linear"
    assert fractions.get_ylim()[0] == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_nothing_finite_is_stated(tmp_path, drawn, value):
    lines = [{"epoch": 0, "a_weight": value, "b_weight": value}]
    balance(lines, tmp_path / "a.png")
    assert drawn.strings.count("no finite value") == 2


@pytest.mark.parametrize("metrics", [[], [{"epoch": 0, "loss": 1.0}]])
def test_nothing_to_draw_names_the_repair(tmp_path, metrics):
    with pytest.raises(ValueError, match="monitor=True"):
        balance(metrics, tmp_path / "a.png")


def test_an_entry_that_is_no_dict_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"list of dicts.*metrics\[0\]=3"):
        balance([3], tmp_path / "a.png")


def test_a_path_that_is_no_png_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must end with '\.png'"):
        balance(epochs(THREE, 2), tmp_path / "a.jpg")
