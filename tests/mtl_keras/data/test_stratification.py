import numpy as np
import pytest

from mtl_keras.data import stratification


@pytest.mark.parametrize(
    ("num", "shares", "expected"),
    [
        (10, [0.8, 0.1, 0.1], [8, 1, 1]),
        (11, [0.5, 0.5], [6, 5]),
        (7, [0.4, 0.3, 0.3], [3, 2, 2]),
        (3, [0.1] * 10, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_sizes_are_by_largest_remainder(num, shares, expected):
    assert stratification.sizes(num, shares).tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_any_labels_have_their_sizes(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (rng.integers(20, 200), 6))
    shares = rng.dirichlet([5.0] * 4)
    part = stratification.assign(codes, shares, rng)
    expected = stratification.sizes(len(codes), shares)
    assert np.bincount(part, minlength=4).tolist() == expected.tolist()


def test_whole_combinations_are_divided_exactly():
    codes = np.repeat([[0, 0], [0, 1], [1, 0]], [40, 20, 80], axis=0)
    shares = [0.5, 0.25, 0.25]
    part = stratification.assign(codes, shares, np.random.default_rng(0))
    for low, high in ((0, 40), (40, 60), (60, 140)):
        counts = np.bincount(part[low:high]) / (high - low)
        assert counts.tolist() == shares


def test_uneven_groups_balance():
    # Four groups of each source, one of them as large as the other three.
    sizes = np.array([30, 10, 10, 10] * 6)
    source = np.repeat(np.arange(6) % 2, 4)
    groups = np.repeat(np.arange(24), sizes)
    codes = source[groups][:, None]
    part = stratification.assign_groups(
        codes, groups, [0.5, 0.5], np.random.default_rng(0)
    )
    assert np.bincount(part * 2 + codes[:, 0]).tolist() == [90] * 4
    assert all(len(set(part[groups == group])) == 1 for group in range(24))
