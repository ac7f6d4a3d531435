"""NTKMTL-SR: equation 18 of the paper."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

ROWS = families(5)["conflicting"]


@pytest.mark.parametrize("exponent", [0.5, 0.75])
def test_weights_are_the_formula_of_the_paper(exponent):
    eigenvalues = (ROWS.astype("float64") ** 2).sum(axis=1)
    balancer = balancing.NTKMTLSR(exponent=exponent)
    np.testing.assert_allclose(
        to_numpy(balancer.weights(ROWS @ ROWS.T)),
        (eigenvalues.mean() / eigenvalues) ** exponent,
        rtol=1e-5,
    )


def test_rows_come_out_equally_long():
    weights = to_numpy(balancing.NTKMTLSR().weights(ROWS @ ROWS.T))
    lengths = np.linalg.norm(weights[:, None] * ROWS, axis=1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-5)


def test_zero_row_has_no_weight_and_counts_in_the_mean():
    weights = balancing.NTKMTLSR().weights(np.diag([4.0, 0.0]))
    np.testing.assert_allclose(to_numpy(weights), [0.5**0.5, 0], rtol=1e-6)


def test_features_are_the_default():
    assert balancing.NTKMTLSR().on == "features"
