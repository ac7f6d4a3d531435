import numpy as np
import pytest

from mtl_keras.data.proportions import Proportions

SIZES = {"a": 900, "b": 90, "c": 9, "d": 1}


def drawn(given, num, seed=0, sizes=SIZES):
    proportions = Proportions(given, sizes, seed)
    found = proportions.draw(np.arange(num), np.zeros(num)).numpy()
    return found, proportions.shares(np.zeros(1)).numpy()[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "given", ["size", "uniform", {"temperature": 3}, {n: 1 for n in SIZES}]
)
def test_after_any_number_of_draws_each_has_its_quota(given, seed):
    found, shares = drawn(given, 5000, seed)
    counts = np.cumsum(np.eye(len(SIZES))[found], axis=0)
    wanted = np.arange(1, 5001)[:, None] * shares
    assert np.abs(counts - wanted).max() <= 3


def test_temperatures_go_from_size_to_uniform():
    hot, cold = drawn({"temperature": 1e6}, 1)[1], drawn("size", 1)[1]
    np.testing.assert_allclose(drawn({"temperature": 1}, 1)[1], cold)
    np.testing.assert_allclose(cold, [0.9, 0.09, 0.009, 0.001])
    np.testing.assert_allclose(hot, [0.25] * 4, atol=1e-5)
    np.testing.assert_allclose(drawn("uniform", 1)[1], [0.25] * 4)


def test_annealing_moves_and_stays():
    proportions = Proportions({"annealed": (1.0, 2.0, 4)}, SIZES, 0)
    shares = proportions.shares(np.array([0.0, 2.0, 4.0, 9.0])).numpy()
    for row, temperature in zip(shares, [1.0, 1.5, 2.0, 2.0], strict=True):
        expected = np.array(list(SIZES.values())) ** (1 / temperature)
        np.testing.assert_allclose(row, expected / expected.sum())


def test_a_share_of_zero_is_never_drawn():
    found, _ = drawn({"a": 1, "b": 0, "c": 2, "d": 0}, 5000)
    assert set(found) == {0, 2}


def test_data_sets_may_be_named_like_a_rule():
    sizes = {"temperature": 10}
    assert set(drawn({"temperature": 2}, 10, sizes=sizes)[0]) == {0}


def test_the_seed_moves_the_start():
    first, second = drawn("uniform", 20, 0)[0], drawn("uniform", 20, 1)[0]
    assert first.tolist() != second.tolist()
