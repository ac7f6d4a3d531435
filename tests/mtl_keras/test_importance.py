"""What a shuffled column costs, where the answer is known."""

import numpy as np
import pytest

from mtl_keras import importance


def _columns(size=4000):
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=size) for name in ("a", "b", "c")}


def test_a_linear_score_loses_what_theory_says():
    columns = _columns()
    target = 2 * columns["a"] + columns["b"]

    def score(given):
        error = target - 2 * given["a"] - given["b"]
        return {"mse": -np.mean(error**2), "of_b": np.mean(given["b"])}

    lost = importance.permutation(score, columns, repeats=4)
    # A shuffled column's error has twice its variance.
    for name, expected in {"a": 8.0, "b": 2.0, "c": 0.0}.items():
        mean, spread = lost["mse"][name]
        assert mean == pytest.approx(expected, rel=0.1, abs=1e-12)
        assert spread < 0.3
    assert list(lost["mse"]) == ["a", "b", "c"]
    # A mean does not depend on the order.
    assert lost["of_b"]["b"][0] == pytest.approx(0, abs=1e-12)


def test_the_same_seed_gives_the_same_values():
    def score(given):
        return {"x": float(given["a"] @ given["b"])}

    first, second = (
        importance.permutation(score, _columns(50), seed=3) for _ in range(2)
    )
    assert first == second
    other = importance.permutation(score, _columns(50), seed=4)
    assert other != first


@pytest.mark.parametrize(
    ("columns", "repeats", "message"),
    [
        ({}, 1, "same number of examples"),
        ({"a": [1], "b": [1, 2]}, 1, "'a': 1, 'b': 2"),
        ({"a": [1]}, 0, "`repeats`"),
    ],
)
def test_wrong_arguments_are_refused(columns, repeats, message):
    with pytest.raises(ValueError, match=message):
        importance.permutation(lambda c: {}, columns, repeats=repeats)
