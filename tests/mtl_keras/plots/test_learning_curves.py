import json
import math

import matplotlib
import numpy as np
import pytest

from mtl_keras.plots import curves
from mtl_keras.plots import figure as paper
from mtl_keras.plots.learning_curves import _panels, _parts
from tests.mtl_keras.plots.scenes import read_png

LONG = ["aortic_valve_mean_pressure_gradient", "in_hospital_mortality", "cls"]


def epochs(num_epochs, tasks=("box", "cls"), quantities=("loss", "score")):
    lines = []
    for epoch in range(num_epochs):
        line = {"epoch": epoch, "seconds": 2.0}
        for prefix, gap in (("", 0.0), ("val_", 0.1)):
            line[f"{prefix}loss"] = 2 / (epoch + 1) + gap
            for task in tasks:
                for quantity in quantities:
                    line[f"{prefix}{task}_{quantity}"] = 1 / (epoch + 1) + gap
        lines.append(line)
    return lines


def panels(metrics, tasks=None):
    return list(_panels({line["epoch"]: line for line in metrics}, tasks))


def lines_of(axes):
    """The data of a panel's dashed and solid line, training first."""
    return [np.asarray(line.get_xydata()).T for line in axes.get_lines()]


def test_total_loss_then_tasks_then_the_rest():
    metrics = [{**line, "learning_rate": 0.1} for line in epochs(2)]
    assert panels(metrics) == [
        (None, "loss"),
        ("box", "loss"),
        ("box", "score"),
        ("cls", "loss"),
        ("cls", "score"),
        (None, "learning_rate"),
    ]


def test_key_belongs_to_the_longest_task_it_starts_with():
    tasks = ["red", "red_car", "val"]
    assert _parts("red_car_loss", tasks) == (False, "red_car", "loss")
    assert _parts("val_red_carp_loss", tasks[:2]) == (True, "red", "carp_loss")
    assert _parts("val_loss", ["red"]) == (True, None, "loss")
    assert _parts("redness", tasks) == (False, None, "redness")


def test_seconds_epoch_and_texts_are_not_drawn():
    metrics = [{"epoch": 0, "seconds": 1.0, "note": "x", "ok": True, "loss": 1}]
    assert panels(metrics) == [(None, "loss")]


def test_each_panel_holds_its_values(tmp_path, drawn):
    metrics = epochs(3)
    for line in metrics:
        line["cls_loss"] *= 5
    curves(metrics, tmp_path / "a.png")
    keys = ["loss", "box_loss", "box_score", "cls_loss", "cls_score"]
    for axes, key in zip(drawn.axes, keys, strict=True):
        for (x, y), prefix in zip(lines_of(axes), ("", "val_"), strict=True):
            assert x.tolist() == [0, 1, 2]
            assert y.tolist() == [line[prefix + key] for line in metrics]
        assert axes.get_xlim() == (0, 2)
        low, high = axes.get_ylim()
        assert low < min(y.min() for _, y in lines_of(axes))
        assert high > max(y.max() for _, y in lines_of(axes))


def test_titles_key_and_last_values_are_written(tmp_path, drawn):
    metrics = [
        {"loss": 3.0, "val_loss": 7.25, "cls_loss": 1.0, "val_cls_loss": 1.5},
        {"loss": 2.0, "val_loss": 7.5, "cls_loss": 0.1, "val_cls_loss": 0.0001},
    ]
    curves(metrics, tmp_path / "a.png", title="A run")
    for text in ("A run", "train", "validation", "total", "cls", "loss"):
        assert text in drawn.strings
    for text in ("2.000", "7.500", "0.100", "0.0001"):
        assert text in drawn.strings
    for text in ("3.000", "7.250", "1.500"):
        assert text not in drawn.strings


def test_last_values_stand_at_their_heights(tmp_path, drawn):
    values = {"loss": [9.0, 1.0], "val_loss": [0.5, 5.0]}
    metrics = [{key: line[i] for key, line in values.items()} for i in (0, 1)]
    curves([*metrics, {"val_loss": math.nan}], tmp_path / "a.png")
    (axes,) = drawn.axes
    extents = dict(drawn.texts)
    for text, value in (("1.000", 1.0), ("5.000", 5.0)):
        x, y = axes.transData.transform((1, value))
        extent = extents[text]
        assert (extent.y0 + extent.y1) / 2 == pytest.approx(y, abs=3)
        assert x < extent.x0 < x + 15


def test_training_is_dashed_and_tasks_have_colours(tmp_path, drawn):
    curves(epochs(3, quantities=["loss"]), tmp_path / "a.png")
    colours = [paper.INK, *paper.TASK_COLOURS[:2]]
    for axes, colour in zip(drawn.axes, colours, strict=True):
        train, validation = axes.get_lines()
        assert train.is_dashed() and not validation.is_dashed()
        assert train.get_color() == validation.get_color() == colour


def test_later_entry_of_an_epoch_counts(tmp_path):
    once = epochs(3, ["cls"], ["loss"])
    twice = [*once[:2], {"epoch": 2, "loss": 99.0}, once[2]]
    first = curves(once, tmp_path / "a.png").read_bytes()
    assert curves(twice, tmp_path / "b.png").read_bytes() == first


@pytest.mark.parametrize(
    ("num_epochs", "tasks"),
    [
        (1, ["cls"]),
        (2, LONG),
        (30, LONG),
        (12, [f"attribute_{index:02}" for index in range(6)]),
    ],
)
def test_texts_are_legible(tmp_path, drawn, num_epochs, tasks):
    path = curves(
        epochs(num_epochs, tasks, ["loss", "mean_absolute_error"]),
        tmp_path / "new" / "folder" / "curves.png",
        title="A title " * 20,
        tasks=tasks,
    )
    drawn.check_texts()
    assert len(drawn.axes) == 1 + 2 * len(tasks)
    height, width = read_png(path).shape[:2]
    assert (width, height) == tuple(drawn.figure.bbox.size.astype(int))


def test_values_at_one_height_are_written_apart(tmp_path, drawn):
    curves([{"loss": 0.5, "val_loss": 0.5}] * 3, tmp_path / "a.png")
    assert drawn.strings.count("0.500") >= 2
    drawn.check_texts()


def test_long_numbers_are_not_clipped(tmp_path, drawn):
    curves([{"a_loss": 1.23e-7, "rate": -1.23e-7}], tmp_path / "a.png")
    assert "1.23e−07" in drawn.strings
    assert "−1.23e−07" in drawn.strings
    drawn.check_texts()


@pytest.mark.parametrize("gap", [math.nan, math.inf, None])
def test_a_value_that_is_not_finite_leaves_a_gap(tmp_path, drawn, gap):
    lines = [{"epoch": epoch, "val_a_loss": 1.0} for epoch in range(6)]
    lines[2]["val_a_loss"] = lines[4]["val_a_loss"] = gap
    lines = [json.loads(json.dumps(line)) for line in lines]
    curves(lines, tmp_path / "b.png")
    (line,) = drawn.axes[0].get_lines()
    nan = math.nan
    np.testing.assert_array_equal(line.get_ydata(), [1, 1, nan, 1, nan, 1])
    # Epoch 3 has no neighbour to be joined with: a dot, as at the end.
    assert set(line.get_markevery()) == {3, 5}


def test_an_epoch_without_the_quantity_leaves_no_gap(tmp_path, drawn):
    lines = [{"epoch": epoch, "seconds": 1.0} for epoch in range(11)]
    lines[0]["val_a_loss"] = lines[10]["val_a_loss"] = 1.0
    curves(lines, tmp_path / "b.png")
    ((x, y),) = lines_of(drawn.axes[0])
    assert x.tolist() == [0, 10]
    assert y.tolist() == [1.0, 1.0]


def test_nothing_finite_is_stated(tmp_path, drawn):
    curves([{"epoch": 0, "loss": math.nan}], tmp_path / "curves.png")
    assert "no finite value" in drawn.strings


def test_same_metrics_same_bytes_whatever_the_user_style(tmp_path):
    metrics = epochs(5, ["cls"], ["loss"])
    first = curves(metrics, tmp_path / "a.png").read_bytes()
    style = {"font.size": 30, "axes.facecolor": "red", "lines.marker": "x"}
    with matplotlib.rc_context(style):
        second = curves(metrics, tmp_path / "b.png").read_bytes()
        assert matplotlib.rcParams["font.size"] == 30
    assert second == first


@pytest.mark.parametrize("metrics", [[], [{"epoch": 0, "seconds": 1.0}]])
def test_nothing_to_draw_is_an_error(tmp_path, metrics):
    with pytest.raises(ValueError, match="at least one number"):
        curves(metrics, tmp_path / "curves.png")


def test_an_entry_that_is_no_dict_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"list of dicts.*metrics\[1\]=3"):
        curves([{"loss": 1.0}, 3], tmp_path / "curves.png")
