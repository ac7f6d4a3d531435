import math

import pytest

from mtl_keras.plots import comparison
from mtl_keras.plots.comparison_table import _columns


def summary(*values):
    mean = sum(values) / len(values)
    spread = (max(values) - min(values)) / 2 if len(values) > 1 else None
    return {"mean": mean, "spread": spread, "values": list(values)}


def row(name, *values):
    return {
        "name": name,
        "metrics": {"a_auc": summary(*values), "b_mae": summary(*values)},
        "delta_libmtl": summary(*values),
        "delta_m": summary(*(-value for value in values)),
        "seconds_per_step": summary(0.1),
        "peak_memory_bytes": 1,
    }


def table(*rows):
    return {
        "model": "small",
        "data": "few",
        "split": "test",
        "seeds": [0, 1],
        "measures": {
            "a_auc": {"is_higher_better": True},
            "b_mae": {"is_higher_better": False},
        },
        "rows": list(rows),
    }


def test_a_column_for_each_figure_with_the_single_tasks_as_reference():
    columns = _columns(table(row("STL", 0.4, 0.6), row("equal", 0.7, 0.9)))
    assert [column["title"] for column in columns] == [
        "delta LibMTL",
        "delta m",
        "a auc",
        "b mae",
        "seconds a step",
    ]
    assert [column["is_higher_better"] for column in columns] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert columns[2]["reference"] == 0.5


def dots(axes):
    """Maps each row to the pixel in x of its mean."""
    (container,) = axes.containers
    x, y = container.lines[0].get_xydata().T
    return {
        int(row): axes.transData.transform((mean, row))[0]
        for mean, row in zip(x, y, strict=True)
    }


def test_better_is_to_the_right_in_each_column(tmp_path, drawn):
    rows = [row("STL", 0.5), row("high", 0.9)]
    rows[1]["seconds_per_step"] = summary(0.05)
    comparison(table(*rows), tmp_path / "a.png")
    titles = {axes.get_title(loc="left"): axes for axes in drawn.axes}
    for title in ("delta LibMTL", "delta m", "a auc", "seconds a step"):
        places = dots(titles[title])
        assert places[1] > places[0] + 50, title
    places = dots(titles["b mae"])
    assert places[1] < places[0] - 50


def test_means_spreads_seeds_and_reference_are_drawn(tmp_path, drawn):
    comparison(
        table(row("STL", 0.4, 0.6), row("x", 0.7, 0.9)), tmp_path / "a.png"
    )
    axes = drawn.axes[2]
    assert axes.get_title(loc="left") == "a auc"
    (container,) = axes.containers
    means, _, (bars,) = container.lines
    assert means.get_xydata().tolist() == [[0.5, 0], [0.8, 1]]
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([0.4, 0.6]), pytest.approx([0.7, 0.9])]
    seeds = axes.get_lines()[0].get_xydata().tolist()
    assert seeds == [[0.4, 0], [0.6, 0], [0.7, 1], [0.9, 1]]
    reference = axes.get_lines()[-1]
    assert set(reference.get_xdata()) == {0.5}
    assert reference.is_dashed()


@pytest.mark.parametrize("value", [math.nan, None])
def test_an_undefined_metric_is_stated_in_its_row(tmp_path, drawn, value):
    bad = row("broken", 0.5)
    undefined = {"mean": value, "spread": None, "values": [value]}
    bad["metrics"] = {"a_auc": undefined, "b_mae": undefined}
    comparison(table(row("STL", 0.5), bad), tmp_path / "new" / "a.png")
    assert drawn.strings.count("not defined") == 2
    for axes in drawn.axes[2:4]:
        assert list(dots(axes)) == [0]
        assert [text.get_position()[1] for text in axes.texts] == [1]
    bad["metrics"] = {"a_auc": undefined, "b_mae": undefined}
    comparison(table({**bad, "name": "STL"}), tmp_path / "new" / "a.png")
    assert drawn.strings.count("not defined") == 2


@pytest.mark.parametrize("num_rows", [1, 2, 31])
def test_texts_are_legible(tmp_path, drawn, num_rows):
    rows = [row(f"a_method_{index}", 0.1 * index) for index in range(num_rows)]
    rows[0]["name"] = "a_very_long_name_of_a_balancer_with_options"
    comparison(table(*rows), tmp_path / "a.png")
    drawn.check_texts()
    assert drawn.axes[0].bbox.height > 20 * num_rows
    assert "small on few, test split, 2 seeds" in drawn.strings
    for index in range(1, num_rows):
        assert f"a_method_{index}" in drawn.strings


def test_single_tasks_are_in_bold(tmp_path, drawn):
    comparison(table(row("x", 0.1), row("STL", 0.5)), tmp_path / "a.png")
    labels = drawn.axes[0].get_yticklabels()
    assert [label.get_weight() for label in labels] == ["normal", "bold"]


def test_no_row_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="at least one row"):
        comparison(table(), tmp_path / "a.png")
