"""IMTL-G: equal projections, and the paper's closed form."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


def paper_weights(rows):
    """Equation 4 of the paper, with its differences to the first row."""
    rows = rows.astype("float64")
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    differences, unit_differences = rows[0] - rows[1:], unit[0] - unit[1:]
    others = (rows[0] @ unit_differences.T) @ np.linalg.inv(
        differences @ unit_differences.T
    )
    return np.concatenate([[1.0 - others.sum()], others])


@pytest.mark.parametrize("num_rows", [2, 3, 8, 20, 64])
@pytest.mark.parametrize(
    "family", ["1000 dimensions", "conflicting", "duplicates"]
)
def test_projections_are_equal(num_rows, family):
    rows = families(num_rows)[family]
    direction = to_numpy(balancing.IMTLG().combine(rows)).astype("float64")
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    projections = unit @ direction
    assert projections.min() > 0
    np.testing.assert_allclose(projections, projections.mean(), rtol=1e-4)


@pytest.mark.parametrize("num_rows", [2, 3, 8])
def test_weights_are_the_papers(num_rows):
    rows = families(num_rows)["1000 dimensions"]
    rows = rows * np.linspace(0.5, 2, num_rows, dtype="float32")[:, None]
    weights = to_numpy(balancing.IMTLG().weights(rows @ rows.T))
    np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-5)
    np.testing.assert_allclose(weights, paper_weights(rows), rtol=1e-4)


def test_descends_for_all_where_the_paper_would_climb():
    # The middle of three rows in a fan, and the shortest: its weight is
    # negative, and so is the sum.
    rows = np.array(
        [[1.0, 1.0, 0.1], [1.0, -1.0, 0.1], [0.1, 0.0, 0.0]], "float32"
    )
    assert paper_weights(rows).sum() == pytest.approx(1.0)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert (unit @ (paper_weights(rows) @ rows)).max() < 0
    weights = to_numpy(balancing.IMTLG().weights(rows @ rows.T))
    np.testing.assert_allclose(weights, -paper_weights(rows), rtol=1e-3)


@pytest.mark.parametrize("family", ["2 dimensions", "opposite pair"])
def test_rests_where_only_zero_projects_equally(family):
    rows = families(6)[family]
    weights = to_numpy(balancing.IMTLG().weights(rows @ rows.T))
    np.testing.assert_array_equal(weights, 0)


def test_zero_row_takes_no_part():
    rows = families(5)["a zero row"]
    weights = to_numpy(balancing.IMTLG().weights(rows @ rows.T))
    others = to_numpy(balancing.IMTLG().weights(rows[1:] @ rows[1:].T))
    np.testing.assert_allclose(weights, [0, *others], rtol=1e-5)


def test_compares_at_the_features_by_default():
    assert balancing.IMTLG().on == "features"
