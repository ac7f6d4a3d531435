"""The figure of relations shows the matrix in the order of its tree."""

import numpy as np
import pytest

from mtl_keras import plots
from mtl_keras.plots import figure as paper
from mtl_keras.plots import relation_map
from mtl_keras.relations import Relations

MATRIX = np.array(
    [[1, 0.1, 0.9, 0], [0.1, 1, 0.2, 0.6], [0.9, 0.2, 1, 0], [0, 0.6, 0, 1]]
)


@pytest.fixture
def drawn(monkeypatch):
    axes = []
    save = paper.save

    def keep(figure, path):
        axes[:] = figure.axes
        return save(figure, path)

    monkeypatch.setattr(paper, "save", keep)
    return axes


def test_tree_joins_the_nearest_tasks_first():
    tree, order = relation_map.linkage(Relations("abcd", MATRIX))
    assert set(tree[0, :2]) == {0, 2} and set(tree[1, :2]) == {1, 3}
    # Average linkage: 1 minus the mean of the four relations between.
    np.testing.assert_allclose(tree[:, 2], [0.1, 0.4, 1 - 0.3 / 4])
    assert {frozenset(order[:2]), frozenset(order[2:])} == {
        frozenset((0, 2)),
        frozenset((1, 3)),
    }


def test_map_shows_the_matrix_in_the_order_of_the_tree(drawn, tmp_path):
    relations = Relations("abcd", MATRIX, "cka")
    path = plots.relations(relations, tmp_path / "a.png", title="Assays")
    assert path.is_file()
    names = [label.get_text() for label in drawn[0].get_yticklabels()]
    shown = drawn[0].images[0].get_array()
    np.testing.assert_array_equal(shown, relations.only(names).matrix)
    assert [t.get_text() for t in drawn[0].texts][:2] == ["1.00", "0.90"]
    assert len(drawn[1].lines) == 3


def test_undefined_relations_have_no_tree(drawn, tmp_path):
    matrix = np.where(MATRIX == 0.6, np.nan, MATRIX)
    plots.relations(Relations("abcd", matrix), tmp_path / "a.png")
    # The map and its scale.
    assert len(drawn) == 2
    assert len(drawn[0].texts) == 14


def test_small_affinities_are_scaled(drawn, tmp_path):
    relations = Relations("ab", [[0.004, 0.0012], [-0.003, 0.001]], "affinity")
    plots.relations(relations, tmp_path / "a.png")
    texts = {t.get_text() for t in drawn[0].texts}
    assert texts == {"4.00", "1.20", "−3.00", "1.00"}
    assert drawn[0].get_title(loc="left") == "affinity × 1,000"


def test_one_task_has_no_figure(tmp_path):
    with pytest.raises(ValueError, match="two or more tasks"):
        plots.relations(Relations("a", [[1]]), tmp_path / "a.png")
