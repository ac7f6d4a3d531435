"""ConFIG: equal cosines, the length, and the authors' formula by pinv."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


def by_pinv(rows, target):
    """The paper's equations 2 and 3, in float64."""
    rows = rows.astype("float64")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    direction = np.linalg.pinv(rows / lengths, rcond=1e-4) @ target
    direction = direction / np.linalg.norm(direction)
    return (rows @ direction).sum() * direction


@pytest.mark.parametrize("num_rows", [2, 3, 8, 20, 64])
@pytest.mark.parametrize(
    "family", ["1000 dimensions", "conflicting", "duplicates"]
)
def test_cosines_are_equal_and_positive(num_rows, family):
    rows = families(num_rows)[family]
    direction = to_numpy(balancing.ConFIG().combine(rows)).astype("float64")
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ direction / np.linalg.norm(direction)
    assert cosines.min() > 0
    np.testing.assert_allclose(cosines, cosines.mean(), rtol=1e-4)


@pytest.mark.parametrize(
    "family", ["2 dimensions", "1000 dimensions", "opposite pair", "duplicates"]
)
def test_direction_is_the_papers(family):
    rows = families(6)[family]
    expected = by_pinv(rows, np.ones(6))
    received = to_numpy(balancing.ConFIG().combine(rows))
    error = np.linalg.norm(received - expected)
    assert error <= 1e-4 * np.linalg.norm(expected)


def test_preference_is_the_ratio_of_the_cosines():
    rows = families(2)["conflicting"]
    balancer = balancing.ConFIG(preference={"a": 1.0, "b": 3.0})
    direction = to_numpy(balancer.combine(rows))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ direction
    np.testing.assert_allclose(cosines[1] / cosines[0], 3.0, rtol=1e-4)


def test_opposite_rows_alone_cancel():
    rows = families(2)["all opposed"]
    direction = to_numpy(balancing.ConFIG().combine(rows))
    np.testing.assert_array_equal(direction, 0)


def test_zero_row_takes_no_part():
    rows = families(5)["a zero row"]
    np.testing.assert_allclose(
        to_numpy(balancing.ConFIG().combine(rows)),
        to_numpy(balancing.ConFIG().combine(rows[1:])),
        rtol=1e-4,
        atol=1e-6,
    )
