"""Nash-MTL: the bargain, its length and its likeness to FairGrad."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import WELL_POSED, families
from tests.test_case import to_numpy


@pytest.mark.parametrize("family", WELL_POSED)
def test_each_row_gains_the_inverse_of_its_weight(family):
    rows = families(8)[family]
    gramian = rows @ rows.T
    weights = to_numpy(balancing.NashMTL(max_norm=None).weights(gramian))
    gains = gramian.astype("float64") @ weights
    np.testing.assert_allclose(gains * weights, 1.0, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-10, 1.0, 1e10])
@pytest.mark.parametrize("max_norm", [0.5, 1.0, None])
def test_length_is_the_roots_or_the_limit(scale, max_norm):
    rows = np.float32(scale) * families(4)["1000 dimensions"]
    balancer = balancing.NashMTL(max_norm=max_norm)
    length = np.linalg.norm(to_numpy(balancer.combine(rows)))
    expected = 2.0 if max_norm is None else max_norm
    np.testing.assert_allclose(length, expected, rtol=1e-4)


def test_limit_that_is_not_reached_changes_nothing():
    rows = families(4)["1000 dimensions"]
    np.testing.assert_allclose(
        to_numpy(balancing.NashMTL(max_norm=3.0).combine(rows)),
        to_numpy(balancing.NashMTL(max_norm=None).combine(rows)),
        rtol=1e-6,
    )


@pytest.mark.parametrize("family", WELL_POSED)
def test_is_fairgrad_of_one(family):
    rows = families(6)[family]
    np.testing.assert_allclose(
        to_numpy(balancing.NashMTL(max_norm=None).weights(rows @ rows.T)),
        to_numpy(balancing.FairGrad(alpha=1.0).weights(rows @ rows.T)),
        rtol=1e-5,
    )


def test_two_rows_by_hand():
    # Orthogonal rows: a = 1 / |g|, the sum of the unit rows.
    rows = np.array([[4.0, 0.0], [0.0, 0.25]], "float32")
    direction = to_numpy(balancing.NashMTL(max_norm=None).combine(rows))
    np.testing.assert_allclose(direction, [1.0, 1.0], rtol=1e-5)


def test_one_row_gives_its_unit_vector():
    rows = np.array([[3.0, 4.0]], "float32")
    direction = to_numpy(balancing.NashMTL().combine(rows))
    np.testing.assert_allclose(direction, [0.6, 0.8], rtol=1e-5)


def test_limit_must_be_positive():
    with pytest.raises(ValueError, match="max_norm"):
        balancing.NashMTL(max_norm=0)


def test_opposite_rows_do_not_lengthen_the_step():
    rows = families(8)["opposite pair"]
    direction = to_numpy(balancing.NashMTL().combine(rows))
    # Nor do they shorten it much: what they lose counts for some of a gain.
    assert 0.85 < np.linalg.norm(direction) < 1.01
