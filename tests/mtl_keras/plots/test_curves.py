import json
import math

import numpy as np
import pytest

from mtl_keras.plots import curves
from mtl_keras.plots import figure as paper
from tests.mtl_keras.plots.scenes import count, read_png

# The package's function `curves` hides the module of that name.
_parts = curves.__globals__["_parts"]
_panels = curves.__globals__["_panels"]


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


def titles(metrics, tasks=None):
    by_epoch = {line["epoch"]: line for line in metrics}
    return [panel.title for panel in _panels(by_epoch, tasks)]


def test_total_loss_then_tasks_then_the_rest():
    metrics = [{**line, "learning_rate": 0.1} for line in epochs(2)]
    assert titles(metrics) == [
        ("total", "loss"),
        ("box", "loss"),
        ("box", "score"),
        ("cls", "loss"),
        ("cls", "score"),
        ("learning rate", ""),
    ]


def test_key_belongs_to_the_longest_task_it_starts_with():
    tasks = ["red", "red_car", "val"]
    assert _parts("red_car_loss", tasks) == (False, "red_car", "loss")
    assert _parts("val_red_carp_loss", tasks[:2]) == (True, "red", "carp_loss")
    assert _parts("val_loss", ["red"]) == (True, None, "loss")
    assert _parts("redness", tasks) == (False, None, "redness")


def test_seconds_epoch_and_texts_are_not_drawn():
    metrics = [{"epoch": 0, "seconds": 1.0, "note": "x", "ok": True, "loss": 1}]
    assert titles(metrics) == [("total", "loss")]


def test_later_line_of_an_epoch_counts(tmp_path):
    once = epochs(3)
    twice = [*once[:2], {"epoch": 2, "loss": 99.0}, once[2]]
    first = curves(once, tmp_path / "a.png").read_bytes()
    assert curves(twice, tmp_path / "b.png").read_bytes() == first


@pytest.mark.parametrize("num_epochs", [1, 2, 30])
@pytest.mark.parametrize("num_tasks", [1, 3, 12])
def test_draws_any_number_of_tasks_and_epochs(tmp_path, num_epochs, num_tasks):
    names = [f"task_{index}" for index in range(num_tasks)]
    path = curves(
        epochs(num_epochs, names),
        tmp_path / "new" / "folder" / "curves.png",
        title="A title",
        tasks=names,
    )
    height, width = read_png(path).shape[:2]
    assert width == 1200
    assert 250 < height < 1500


def test_reads_lines_of_json_with_null(tmp_path):
    metrics = epochs(6)
    for epoch in (1, 3):
        metrics[epoch]["box_loss"] = None
    lines = [json.loads(json.dumps(line)) for line in metrics]
    picture = read_png(curves(lines, tmp_path / "curves.png"))
    whole = read_png(curves(epochs(6), tmp_path / "whole.png"))
    assert picture.shape == whole.shape
    assert (picture != whole).any()


def column_heights(path, colour):
    """Pixels of the colour in each column of the picture."""
    pixels = read_png(path)
    return np.array(
        [count(pixels[:, x], colour, 40) for x in range(pixels.shape[1])]
    )


@pytest.mark.parametrize("gap", [math.nan, math.inf, None])
def test_a_value_that_is_not_finite_leaves_a_gap(tmp_path, gap):
    lines = [{"epoch": epoch, "val_a_loss": 1.0} for epoch in range(11)]
    colour = paper.TASK_COLOURS[0]
    whole = column_heights(curves(lines, tmp_path / "a.png"), colour)
    for epoch in (4, 5, 6):
        lines[epoch]["val_a_loss"] = gap
    holed = column_heights(curves(lines, tmp_path / "b.png"), colour)
    drawn = np.flatnonzero(whole)
    # Epochs 3 to 7 of 0 to 10: the line is missing between them.
    first, last = drawn[0], drawn[-1] - 54
    middle = (first + last) // 2
    assert whole[middle] > 0
    assert holed[middle - 20 : middle + 20].sum() == 0
    assert holed[first] > 0


def test_an_epoch_without_the_quantity_leaves_no_gap(tmp_path):
    lines = [{"epoch": epoch, "val_a_loss": 1.0} for epoch in range(11)]
    whole = curves(lines, tmp_path / "a.png").read_bytes()
    for epoch in range(1, 10):
        lines[epoch] = {"epoch": epoch, "seconds": 1.0}
    assert curves(lines, tmp_path / "b.png").read_bytes() == whole


def test_nothing_finite_is_said(tmp_path):
    lines = [{"epoch": 0, "loss": math.nan}]
    picture = read_png(curves(lines, tmp_path / "curves.png"))
    # The panel says so in words: it is not a white sheet.
    assert (picture < 128).any()


def test_same_metrics_same_bytes_whatever_the_user_style(tmp_path):
    import matplotlib

    first = curves(epochs(5), tmp_path / "a.png").read_bytes()
    style = {"font.size": 30, "axes.facecolor": "red", "lines.marker": "x"}
    with matplotlib.rc_context(style):
        second = curves(epochs(5), tmp_path / "b.png").read_bytes()
        assert matplotlib.rcParams["font.size"] == 30
    assert second == first


@pytest.mark.parametrize("metrics", [[], [{"epoch": 0, "seconds": 1.0}]])
def test_nothing_to_draw_is_an_error(tmp_path, metrics):
    with pytest.raises(ValueError, match="at least one number"):
        curves(metrics, tmp_path / "curves.png")


def test_a_line_that_is_no_dict_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"list of dicts.*metrics\[1\]=3"):
        curves([{"loss": 1.0}, 3], tmp_path / "curves.png")
