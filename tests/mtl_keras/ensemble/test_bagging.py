"""Bagging equals scikit-learn's on the same draws."""

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.linear_model import Ridge

from mtl_keras import ensemble
from tests import test_case as case
from tests.mtl_keras.ensemble import linear_members as linear

X, LABELS = linear.data()


def test_bagging_is_scikit_learns_on_the_same_draws():
    references = {
        "cls": BaggingClassifier(linear.logistic(), 3, random_state=0),
        "det": BaggingClassifier(linear.logistic(), 3, random_state=0),
        "price": BaggingRegressor(Ridge(), 3, random_state=0),
    }
    for task, reference in references.items():
        reference.fit(X.astype("float64"), LABELS[task])
    draws = references["cls"].estimators_samples_
    model = ensemble.bag(linear.fit, X, LABELS, draws=draws)
    received = linear.predict(model, X)
    case.assert_close(
        received["cls"], references["cls"].predict_proba(X), atol=1e-5
    )
    case.assert_close(
        received["det"], references["det"].predict_proba(X)[:, 1:], atol=1e-5
    )
    case.assert_close(
        received["price"][:, 0], references["price"].predict(X), rtol=1e-3
    )


def test_draws_follow_the_seed_and_repeat_examples():
    draws = ensemble.bootstrap_draws(1000, 3, seed=7)
    again = ensemble.bootstrap_draws(1000, 3, seed=7)
    other = ensemble.bootstrap_draws(1000, 3, seed=8)
    for first, second in zip(draws, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(draws[0], other[0])
    assert not np.array_equal(draws[0], draws[1])
    # A draw holds 1 - 1/e of the examples.
    distinct = [len(np.unique(draw)) / 1000 for draw in draws]
    assert np.allclose(distinct, 1 - np.exp(-1), atol=0.04)


def test_groups_are_drawn_whole():
    groups = np.repeat(["a", "b", "c", "d", "e"], [1, 2, 3, 4, 5])
    for draw in ensemble.bootstrap_draws(15, 20, seed=0, groups=groups):
        numbers, counts = np.unique(draw, return_counts=True)
        for group in "abcde":
            of_group = np.flatnonzero(groups == group)
            drawn = counts[np.isin(numbers, of_group)]
            assert len(drawn) in (0, len(of_group))
            assert len(set(drawn)) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_members": 1}, "`num_members` must be an integer of at least 2"),
        ({"groups": [1, 2]}, "`groups` must have a value for each of 90"),
        ({"draws": [[0, 90]]}, "numbers from 0 to 89"),
        ({"draws": 5}, "`draws` must be a sequence.*Received: int"),
        ({"labels": {"cls": LABELS["cls"][:5]}}, "same number of examples"),
        ({"labels": LABELS["cls"]}, "must be a dict of task name"),
        ({"fit": "fit"}, "`fit` must be a function"),
        ({"fit": lambda x, y: None}, "member 0 of type NoneType"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    arguments = {"fit": linear.fit, "x": X, "labels": LABELS, **arguments}
    with pytest.raises(ValueError, match=message):
        ensemble.bag(**arguments)


def test_one_model_for_all_members_is_refused():
    same = linear.fit(X, LABELS)
    with pytest.raises(ValueError, match="Did `fit` return the same model"):
        ensemble.bag(lambda x, y: same, X, LABELS, num_members=2)
