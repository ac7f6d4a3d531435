import math

import pytest

from mtl_keras.plots import comparison
from mtl_keras.plots import figure as paper
from tests.mtl_keras.plots.scenes import read_png

_columns = comparison.__globals__["_columns"]


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


def centres(path, num_rows):
    """Where a row's dot is in the columns of `a_auc` and `b_mae`, in pixels."""
    pixels = read_png(path).astype(int)
    colour = [int(paper.TASK_COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)]
    is_dot = (abs(pixels - colour).max(axis=-1) < 12)[78:]
    left = pixels.shape[1] - 24 - 150 * 5
    found = []
    for column in (2, 3):
        start = left + 150 * column
        found.append(
            [
                is_dot[30 * r : 30 * r + 30, start : start + 130]
                .nonzero()[1]
                .mean()
                for r in range(num_rows)
            ]
        )
    return found


def test_better_is_to_the_right_in_each_column(tmp_path):
    path = comparison(
        table(row("STL", 0.5), row("high", 0.9)), tmp_path / "a.png"
    )
    (auc_low, auc_high), (mae_low, mae_high) = centres(path, 2)
    assert auc_high > auc_low + 50
    assert mae_high < mae_low - 50


@pytest.mark.parametrize("value", [math.nan, None])
def test_what_is_not_defined_is_said(tmp_path, value):
    bad = row("broken", 0.5)
    undefined = {"mean": value, "spread": None, "values": [value]}
    bad["metrics"] = {"a_auc": undefined, "b_mae": undefined}
    given = table(row("STL", 0.5), bad)
    picture = read_png(comparison(given, tmp_path / "new" / "a.png"))
    whole = table(row("STL", 0.5), row("broken", 0.5))
    other = read_png(comparison(whole, tmp_path / "b.png"))
    assert (picture != other).any()


def test_any_number_of_rows(tmp_path):
    rows = [row(f"method_{index}", 0.1 * index) for index in range(31)]
    height = read_png(comparison(table(*rows), tmp_path / "a.png")).shape[0]
    assert height == 78 + 31 * 30 + 58


def test_no_row_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="at least one row"):
        comparison(table(), tmp_path / "a.png")
