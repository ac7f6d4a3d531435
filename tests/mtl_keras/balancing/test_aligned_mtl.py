"""Aligned-MTL: an orthogonal system of one scale, by NumPy's SVD."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

MODES = {
    "min": np.min,
    # PyTorch's median, of the authors: the lower of two.
    "median": lambda values: np.sort(values)[(len(values) - 1) // 2],
    "rmse": lambda values: np.sqrt(np.mean(values**2)),
}


def by_svd(rows, mode, wanted=None):
    left, lengths, right = np.linalg.svd(
        rows.astype("float64"), full_matrices=False
    )
    kept = lengths > 1e-3 * lengths.max()
    scale = MODES[mode](lengths[kept])
    wanted = np.ones(len(rows)) if wanted is None else wanted
    return wanted @ (scale * left[:, kept] @ right[kept])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("num_rows", [2, 3, 8, 20])
@pytest.mark.parametrize(
    "family", ["3 dimensions", "1000 dimensions", "duplicates", "opposite pair"]
)
def test_direction_is_that_of_the_svd(mode, num_rows, family):
    rows = families(num_rows)[family]
    expected = by_svd(rows, mode)
    received = to_numpy(balancing.AlignedMTL(mode).combine(rows))
    error = np.linalg.norm(received - expected)
    # Opposite rows alone cancel.
    assert error <= 1e-4 * max(
        np.linalg.norm(expected), np.linalg.norm(rows[0])
    )


def test_orthogonal_rows_by_hand():
    rows = np.diag([4.0, 1.0, 2.0]).astype("float32")
    for mode, scale in (("min", 1.0), ("median", 2.0), ("rmse", 7**0.5)):
        direction = to_numpy(balancing.AlignedMTL(mode).combine(rows))
        np.testing.assert_allclose(direction, [scale] * 3, rtol=1e-5)


def test_preference_weighs_the_aligned_rows():
    rows = families(2)["conflicting"]
    balancer = balancing.AlignedMTL(preference={"a": 3.0, "b": 0.5})
    expected = by_svd(rows, "min", np.array([3.0, 0.5]))
    received = to_numpy(balancer.combine(rows))
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


def test_a_row_far_longer_than_the_rest_stands_alone():
    rows = families(4)["a row 1e8 times the rest"]
    direction = to_numpy(balancing.AlignedMTL().combine(rows))
    error = np.linalg.norm(direction - rows[0])
    assert error <= 1e-4 * np.linalg.norm(rows[0])


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'median'"):
        balancing.AlignedMTL("medain")
