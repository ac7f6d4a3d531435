"""The plots and the page of a search."""

import pytest

from mtl_keras import plots
from mtl_keras.plots import figure as paper
from mtl_keras.plots.search import _scales
from mtl_keras.tuning import table as pages

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
def test_texts_are_legible_and_bytes_the_same_twice(
    draw, rows, tmp_path, drawn
):
    path = draw(table(*rows), tmp_path / "a" / "search.png")
    first = path.read_bytes()
    drawn.check_texts()
    assert any("toy, random search" in string for string in drawn.strings)
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
def test_line_is_the_best_so_far_of_whole_trainings(
    is_higher_better, expected, tmp_path, drawn
):
    rows = [row(0, 1.0), row(1, 0.5), row(2, 3.0), row(3, 9.0, epochs=1)]
    objective = {"name": "gain", "is_higher_better": is_higher_better}
    plots.progress(table(*rows, objective=objective), tmp_path / "a.png")
    partial, whole, best, own = drawn.axes[0].get_lines()
    assert partial.get_xydata().tolist() == [[3, 9.0]]
    assert whole.get_xydata().tolist() == [[0, 1.0], [1, 0.5], [2, 3.0]]
    assert list(best.get_xdata()) == [0, 1, 2, 3]
    assert list(best.get_ydata()) == expected
    assert best.get_drawstyle() == "steps-post"
    assert set(own.get_ydata()) == {1.0}


def test_scales_place_values():
    rows = [r for r in table()["rows"] if r["objective"] is not None]
    rate, balancer, fraction, gain = _scales(table(), rows)
    # Of three decades: 0.01 is two thirds up, 0.1 at the top, 0.001 one third.
    assert rate.places == pytest.approx([2 / 3, 1.0, 1 / 3])
    assert list(rate.ticks.values()) == pytest.approx([0, 0.5, 1])
    assert list(rate.ticks) == ["0.0001", "0.00316", "0.1"]
    assert fraction.places[0] is None
    assert fraction.places[1:] == pytest.approx([1 / 8, 1.0])
    assert balancer.places == [0.25, 0.75, 0.75]
    assert balancer.ticks == {"static": 0.25, "cagrad": 0.75}
    # 5 % of the range of 5 on each side.
    expected = [0.25 / 5.5, 5.25 / 5.5, 2.75 / 5.5]
    assert gain.places == pytest.approx(expected)


def test_worse_trials_are_fainter(tmp_path, drawn):
    for is_higher_better in (True, False):
        objective = {"name": "gain", "is_higher_better": is_higher_better}
        rows = [row(n, float(n), rate=0.01) for n in range(4)]
        best = 3 if is_higher_better else 0
        page = table(*rows, objective=objective, best=best)
        plots.parallel(page, tmp_path / "a.png")
        lines = {
            line.get_ydata()[-1]: line.get_alpha()
            for line in drawn.axes[0].get_lines()
        }
        alphas = [lines[height] for height in sorted(lines)]
        assert alphas == sorted(alphas, reverse=not is_higher_better)
        assert len(set(alphas)) == 4


def test_trials_are_lines_with_the_best_on_top(tmp_path, drawn):
    plots.parallel(table(), tmp_path / "a.png")
    (axes,) = drawn.axes
    lines = {tuple(line.get_xdata()): line for line in axes.get_lines()}
    # Trial 0 has no value on the third axis: a ring at half of its way there.
    own, ring = lines[0, 1, 3], lines[2,]
    heights = own.get_ydata()
    assert heights == pytest.approx([2 / 3, 0.25, 0.25 / 5.5])
    assert ring.get_ydata() == pytest.approx([sum(heights[1:]) / 2])
    assert ring.get_markerfacecolor() == "white"
    best = max(axes.get_lines(), key=lambda line: line.get_zorder())
    assert best.get_ydata() == pytest.approx([1 / 3, 0.75, 1.0, 2.75 / 5.5])
    assert best.get_color() == paper.TASK_COLOURS[1]
    assert best.get_linewidth() == 3
    for text in ("rate", "balancer", "cagrad\nc", "gain, %", "static"):
        assert text in drawn.strings


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
