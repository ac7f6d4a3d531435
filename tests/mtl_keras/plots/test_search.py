"""The pictures of a search."""

import importlib

import matplotlib.figure
import pytest

from mtl_keras import plots
from mtl_keras.tuning import table as pages

# `plots.parallel` is the function.
parallel = importlib.import_module("mtl_keras.plots.parallel")
progress = importlib.import_module("mtl_keras.plots.progress")

SPACE = [
    {"name": "rate", "low": 1e-4, "high": 1e-1, "is_log": True},
    {"name": "balancer", "choices": ["static", "cagrad"]},
    {"name": "cagrad.c", "low": 0.1, "high": 0.9, "is_log": False},
]


def row(trial, objective, epochs=2, error=None, **values):
    values = {key.replace("__", "."): value for key, value in values.items()}
    return {
        "trial": trial,
        "status": "failed" if error else "completed",
        "objective": objective,
        "metrics": {} if objective is None else {"cls_accuracy": 0.5},
        "epochs": None if error else epochs,
        "seconds": None if error else 2.0,
        "error": error,
        "values": values,
    }


def table(*rows, **changes):
    rows = rows or (
        row(0, 0.0, rate=0.01, balancer="static"),
        row(1, None, rate=0.02, balancer="cagrad", error="it broke"),
        row(2, 5.0, epochs=1, rate=0.1, balancer="cagrad", cagrad__c=0.2),
        row(3, 2.5, rate=0.001, balancer="cagrad", cagrad__c=0.9),
    )
    return {
        "model": "toy",
        "data": "toys",
        "split": "validation",
        "space": "small",
        "tuner": "random",
        "epochs": 2,
        "seed": 0,
        "objective": {"name": "gain", "is_higher_better": True},
        "measures": {"cls_accuracy": {}},
        "references": {"cls_accuracy": 0.4},
        "left_out": [],
        "hyperparameters": SPACE,
        "rows": list(rows),
        "recipe": 0,
        "best": 3,
        "versions": {"keras": "3"},
        "command": "python -m tools.tune",
        **changes,
    }


@pytest.mark.parametrize("draw", [plots.parallel, plots.progress])
@pytest.mark.parametrize(
    "rows",
    [
        (),
        (row(0, 1.0, rate=0.01, balancer="static"),),
        tuple(row(n, 1.0, rate=0.01, balancer="static") for n in range(40)),
        (row(0, 1e9, rate=1e-5, balancer="unheard_of"),),
        (row(3, -1e-9, rate=0.01, balancer="static"),),
    ],
)
def test_any_search_is_drawn_and_the_same_twice(draw, rows, tmp_path):
    path = draw(table(*rows), tmp_path / "a" / "search.png")
    first = path.read_bytes()
    assert len(first) > 1000
    assert draw(table(*rows), path).read_bytes() == first


@pytest.mark.parametrize("draw", [plots.parallel, plots.progress])
def test_nothing_to_draw(draw, tmp_path):
    with pytest.raises(ValueError, match="at least one trial"):
        draw(table(row(0, None, error="no")), tmp_path / "search.png")
    with pytest.raises(ValueError, match="must end with '.png'"):
        draw(table(), tmp_path / "search.jpg")


@pytest.mark.parametrize(
    ("is_higher_better", "expected"),
    [(True, [1.0, 1.0, 3.0, 3.0]), (False, [1.0, 0.5, 0.5, 0.5])],
)
def test_line_is_the_best_so_far_of_whole_trainings(is_higher_better, expected):
    rows = [row(0, 1.0), row(1, 0.5), row(2, 3.0), row(3, 9.0, epochs=1)]
    objective = {"name": "gain", "is_higher_better": is_higher_better}
    whole = rows[:3]
    axes = matplotlib.figure.Figure().add_subplot()
    progress._draw(axes, table(*rows, objective=objective), rows, whole)
    *_, best, own = axes.get_lines()
    assert list(best.get_xdata()) == [0, 1, 2, 3]
    assert list(best.get_ydata()) == expected
    assert set(own.get_ydata()) == {1.0}


def test_axes_place_values_on_their_scale():
    rows = [r for r in table()["rows"] if r["objective"] is not None]
    rate, balancer, share, gain = parallel._axes(table(), rows)
    heights = [rate.height(r) for r in rows]
    # Of three decades: 0.01 is two thirds up, 0.1 at the top, 0.001 one third.
    span = parallel._HEIGHT
    below = [(parallel._HEADER + span - h) / span for h in heights]
    assert below == pytest.approx([2 / 3, 1.0, 1 / 3])
    assert share.height(rows[0]) is None
    assert balancer.height(rows[0]) > balancer.height(rows[1])
    assert [text for text, _ in balancer.ticks] == ["static", "cagrad"]
    assert gain.height(rows[1]) < gain.height(rows[2]) < gain.height(rows[0])


def test_page_has_the_best_first_and_tells_what_failed():
    page = pages.markdown(table())
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "**3**",
        "0",
        "2",
        "1",
        "alone",
    ]
    assert "The best is trial 3, with gain +2.50 %" in page
    assert "The recipe itself, trial 0, has 0.00 %" in page
    assert "Trial 1 failed: it broke" in page
    assert "fewer than 2 epochs" in page


def test_page_says_where_nothing_was_better_or_done():
    page = pages.markdown(table(best=0))
    assert "no other was better. Next is trial 3, with +2.50 %." in page
    page = pages.markdown(table(best=None, recipe=None))
    assert "No trial was trained to the end." in page
