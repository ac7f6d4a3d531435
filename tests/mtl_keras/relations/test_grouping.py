"""Groupings are the best ones within the budget."""

import itertools

import numpy as np
import pytest

from mtl_keras import relations
from mtl_keras.relations import Relations
from mtl_keras.relations import grouping as module


def _random(size, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    return Relations([f"t{k}" for k in range(size)], matrix)


def _score(found, groups):
    total = 0.0
    for names in groups:
        for name in names:
            others = [found.between(o, name) for o in names if o != name]
            total += np.mean(others) if others else 0.0
    return total / len(found.names)


def _all_groupings(names, budget):
    """By the number of the model of each task: a brute force of its own."""
    for numbers in itertools.product(range(budget), repeat=len(names)):
        groups = [
            tuple(n for n, k in zip(names, numbers, strict=True) if k == m)
            for m in range(budget)
        ]
        yield [g for g in groups if g]


@pytest.mark.parametrize("budget", [1, 2, 3])
def test_exact_grouping_is_that_of_a_brute_force(budget):
    found = _random(6)
    grouping = relations.group(found, budget=budget)
    best = max(_score(found, g) for g in _all_groupings(found.names, budget))
    assert grouping.score == pytest.approx(best)
    assert _score(found, grouping.groups) == pytest.approx(best)
    assert len(grouping.groups) <= budget
    assert np.mean(list(grouping.gains.values())) == pytest.approx(best)


def test_total_cost_is_kept_and_best():
    found = _random(6, 1)

    def cost(names):
        return 2.0 + 0.5 * len(names)

    # Three tenths below what three models cost.
    grouping = relations.group(found, budget=8.7, cost=cost)
    assert grouping.cost == sum(map(cost, grouping.groups)) <= 8.7
    best = max(_score(found, g) for g in _all_groupings(found.names, 2))
    assert grouping.score == pytest.approx(best)
    with pytest.raises(ValueError, match="at least 5, the least"):
        relations.group(found, budget=4.9, cost=cost)


def test_heuristic_finds_planted_groups_of_many_tasks():
    rng = np.random.default_rng(0)
    owners = rng.permutation(np.repeat(range(4), 5))
    matrix = 0.8 * (owners[:, None] == owners[None, :])
    matrix = matrix + 0.1 * rng.normal(size=matrix.shape)
    found = Relations([f"t{k}" for k in range(20)], matrix)
    grouping = relations.group(found, budget=4)
    assert not grouping.is_exact
    places = [{int(n[1:]) for n in names} for names in grouping.groups]
    assert len(places) == 4
    assert all(len(set(owners[list(p)])) == 1 for p in places)


def test_heuristic_is_near_the_best(monkeypatch):
    ratios = []
    for seed in range(5):
        found = _random(7, seed)
        best = relations.group(found, budget=3).score
        monkeypatch.setattr(module, "_MOST_EXACT", 0)
        near = relations.group(found, budget=3)
        monkeypatch.undo()
        assert not near.is_exact and len(near.groups) <= 3
        ratios.append(near.score / best)
    assert max(ratios) <= 1 + 1e-9
    assert np.mean(ratios) > 0.95


def test_labels_that_fall_together_are_as_near_as_those_that_rise():
    matrix = [[1, -0.9, 0.1], [-0.9, 1, 0.2], [0.1, 0.2, 1]]
    unsigned = Relations("abc", matrix, "pearson", is_signed=False)
    assert relations.group(unsigned, budget=2).groups == (("a", "b"), ("c",))
    signed = Relations("abc", matrix, "gradients")
    assert ("a", "b") not in relations.group(signed, budget=2).groups


def test_wrong_budgets_and_matrices_are_refused():
    found = _random(3)
    for budget in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="`budget` must be an integer"):
            relations.group(found, budget=budget)
    with pytest.raises(ValueError, match="`budget` must be a finite"):
        relations.group(found, budget=0, cost=len)
    with pytest.raises(ValueError, match="`cost` must be"):
        relations.group(found, budget=9, cost=lambda names: -1)
    with pytest.raises(ValueError, match="`cost` must be a function"):
        relations.group(found, budget=9, cost=2.0)
    with pytest.raises(ValueError, match="must be numbers"):
        Relations("ab", [["x", "y"], ["z", "u"]])
    with pytest.raises(ValueError, match="Wrap a matrix"):
        relations.group(found.matrix, budget=2)
    with pytest.raises(ValueError, match="each once"):
        Relations("aa", np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        Relations("ab", np.ones((2, 3)))
    with pytest.raises(ValueError, match="Did you mean 't1'"):
        found.between("t0", "t11")


def test_tables_hold_the_matrix():
    found = Relations("ab", [[1, -0.5], [np.nan, 1]], "cka")
    lines = found.to_markdown().splitlines()
    assert lines[0] == "| cka | a | b |"
    assert lines[2:] == ["| a | 1.00 | −0.50 |", "| b | - | 1.00 |"]
    assert found.to_dict() == {
        "a": {"a": 1.0, "b": -0.5},
        "b": {"a": None, "b": 1.0},
    }
    assert found.undefined() == [("b", "a")]
    text = relations.group(_random(3), budget=1).to_markdown()
    assert "| 1 | t0, t1, t2 |" in text
