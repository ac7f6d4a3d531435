"""Each measure recovers the groups that a constructed problem has."""

import numpy as np
import pytest

from mtl_keras import relations
from tests.mtl_keras.relations import six_tasks


@pytest.mark.parametrize(
    "name",
    [
        # Eighteen steps a batch; worked out by hand in test_gradients.
        pytest.param(name, marks=pytest.mark.slow)
        if name == "affinity"
        else name
        for name in relations.MEASURES
    ],
)
def test_each_measure_recovers_the_planted_groups(name):
    model, (x, y) = six_tasks.trained(), six_tasks.data(256, seed=0)
    found = relations.measure(name, model, (x, y))
    assert found.names == six_tasks.NAMES
    grouping = relations.group(found, budget=3)
    assert {frozenset(g) for g in grouping.groups} == {
        frozenset(pair) for pair in six_tasks.PAIRS
    }
    assert grouping.is_exact
    # Not by a hair: each partner is nearer than any other task.
    strengths = np.array(found.strengths())
    np.fill_diagonal(strengths, -np.inf)
    for first, second in six_tasks.PAIRS:
        i, j = found.names.index(first), found.names.index(second)
        others = np.delete(strengths[i], [i, j])
        assert strengths[i, j] > others.max() + 0.1 * abs(strengths[i, j])
