import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed

EDGES = [0.0, 1.0, 2.5, 4.0, 10.0]


def data(count=200, seed=0):
    rng = np.random.default_rng(seed)
    y = np.stack([rng.uniform(0, 12, count), rng.integers(0, 2, count)], -1)
    p = rng.uniform(0.05, 0.95, (count, len(EDGES) - 1))
    return y.astype("float32"), p.astype("float32")


def by_hand(time, event, hazards, edges=EDGES):
    value = 0.0
    for low, high, hazard in zip(edges, edges[1:], hazards, strict=False):
        if event and low <= time < high:
            return value - np.log(hazard)
        if not event and time < (low + high) / 2:
            return value
        value -= np.log1p(-hazard)
    return value


@pytest.mark.parametrize("wrap", [compiled, lambda f: f])
def test_equals_intervals_worked_one_by_one(wrap):
    y, p = data()
    expected = [
        by_hand(*label, q)
        for label, q in zip(y, p.astype("float64"), strict=True)
    ]
    received = wrap(losses.DiscreteTime(EDGES).call)(y, p)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)


def test_is_the_likelihood_of_all_ways_to_end():
    # The chances of an event in each interval, and of none, sum to 1.
    p = np.repeat(data(1)[1], 5, axis=0)
    y = np.array([[0.5, 1], [2, 1], [3, 1], [5, 1], [11, 0]], "float32")
    values = np.asarray(losses.DiscreteTime(EDGES).call(y, p), "float64")
    assert np.exp(-values).sum() == pytest.approx(1, abs=1e-5)


def test_intervals_of_one_are_the_default():
    y, p = data()
    np.testing.assert_array_equal(
        losses.DiscreteTime().call(y, p),
        losses.DiscreteTime([0, 1, 2, 3, 4]).call(y, p),
    )


def test_logits_agree_with_probabilities():
    y, p = data()
    logits = np.log(p) - np.log1p(-p)
    np.testing.assert_allclose(
        losses.DiscreteTime(EDGES, from_logits=True).call(y, logits),
        losses.DiscreteTime(EDGES).call(y, p),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("time, interval", [(0, 0), (1, 1), (-3, 0), (9.99, 3)])
def test_an_edge_belongs_to_the_later_interval(time, interval):
    p = np.full((1, 4), 0.5, "float32")
    value = losses.DiscreteTime(EDGES).call(np.array([[time, 1.0]]), p)
    expected = (interval + 1) * np.log(2)
    assert float(value[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("from_logits", [False, True])
def test_sure_predictions_keep_their_gradient(p, from_logits):
    y = np.array([[3.0, 1.0], [3.5, 0.0]], "float32")
    p = np.full((2, 4), (p - 0.5) * 1e4 if from_logits else p, "float32")
    loss = losses.DiscreteTime(EDGES, from_logits=from_logits)
    function = compiled(summed(loss, y))
    slope = gradient(function, p)
    assert np.isfinite(float(function(p)))
    assert np.isfinite(slope).all()
    assert not slope[:, 3].any()
    if not from_logits:
        assert (slope[:, :2] > 0).all()
        assert slope[0, 2] < 0


def test_another_number_of_intervals_is_refused():
    y, p = data()
    with pytest.raises(ValueError, match="has 2 intervals .* predictions of 4"):
        losses.DiscreteTime([0, 1, 2]).call(y, p)
