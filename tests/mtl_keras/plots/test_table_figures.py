"""Figures of importance and calibration show what they are given."""

import numpy as np
import pytest

from mtl_keras import calibration, plots
from mtl_keras.plots import figure as paper


@pytest.fixture
def drawn(monkeypatch):
    """The axes of the figure that was saved last."""
    axes = []

    def save(figure, path):
        axes[:] = figure.axes
        figure.canvas.draw()
        return path

    monkeypatch.setattr(paper, "save", save)
    return axes


def test_bars_are_as_long_as_the_importance(drawn, tmp_path):
    values = {
        "price_r2": {"age": (0.5, 0.1), "job": (0.2, 0.0)},
        "sold_auc": {"job": (0.1, 0.0)},
    }
    plots.importance(values, tmp_path / "a.png", title="Columns")
    for axes, (key, columns) in zip(drawn, values.items(), strict=True):
        assert axes.get_title(loc="left") == key
        lengths = [bar.get_width() for bar in axes.patches]
        assert lengths == [mean for mean, _ in columns.values()]
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == list(columns)
        # The most important one is at the top.
        low, high = axes.get_ylim()
        assert low > high


def test_only_the_most_important_columns_are_shown(drawn, tmp_path):
    values = {"x": {f"c{n}": (1 - n / 50, 0.0) for n in range(50)}}
    plots.importance(values, tmp_path / "a.png")
    assert len(drawn[0].patches) == 20


def test_points_are_those_of_the_curve(drawn, tmp_path):
    curve = calibration.reliability(
        np.linspace(0, 1, 50), np.arange(50) % 2, bins=5
    )
    curves = {"sold": {"before": curve, "after": curve}}
    plots.reliability(curves, tmp_path / "a.png")
    (axes,) = drawn
    lines = [line for line in axes.lines if line.get_label()[0] != "_"]
    assert len(lines) == 2
    np.testing.assert_allclose(lines[0].get_xdata(), curve.confidence)
    np.testing.assert_allclose(lines[0].get_ydata(), curve.accuracy)
    assert f"{curve.error:.3f}" in lines[0].get_label()


@pytest.mark.parametrize("function", [plots.importance, plots.reliability])
@pytest.mark.parametrize("values", [{}, {"sold": {}}])
def test_nothing_to_draw_is_refused(function, values, tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        function(values, tmp_path / "a.png")
