import keras
import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed


def data(count=60, *, ties=False, seed=0):
    rng = np.random.default_rng(seed)
    time = rng.exponential(size=count)
    time = np.ceil(4 * time) if ties else time
    event = rng.uniform(size=count) < 0.6
    y = np.stack([time, event], -1).astype("float32")
    return y, rng.normal(size=(count, 1)).astype("float32")


def by_hand(y, r):
    """Each example's value, one by one, in float64."""
    r = r[:, 0].astype("float64")
    return np.array(
        [
            np.log(np.exp(r[y[:, 0] >= time]).sum()) - risk if event else 0.0
            for (time, event), risk in zip(y, r, strict=True)
        ]
    )


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("wrap", [compiled, lambda f: f])
def test_equals_the_formula(ties, wrap):
    y, r = data(ties=ties)
    received = wrap(losses.Cox().call)(y, r)
    np.testing.assert_allclose(received, by_hand(y, r), rtol=1e-5, atol=1e-6)


def test_is_the_likelihood_of_lifelines():
    lifelines = pytest.importorskip("lifelines")
    pandas = pytest.importorskip("pandas")
    y, _ = data(200)
    x = np.random.default_rng(1).normal(size=(200, 3))
    table = pandas.DataFrame(x, columns=list("abc"))
    table["time"], table["event"] = y[:, 0], y[:, 1]
    fitted = lifelines.CoxPHFitter().fit(table, "time", "event")
    risk = x @ fitted.params_.to_numpy()
    total = float(np.sum(losses.Cox().call(y, risk[:, None])))
    assert total == pytest.approx(-fitted.log_likelihood_, rel=1e-6)


def test_missing_examples_are_in_no_risk_set():
    y, r = data()
    present = np.random.default_rng(1).uniform(size=len(y)) < 0.6
    values = np.asarray(losses.Cox().call(y, r, present))
    np.testing.assert_allclose(
        values[present], by_hand(y[present], r[present]), rtol=1e-5, atol=1e-6
    )
    assert not values[~present].any()


def test_half_a_label_is_none():
    y, r = data()
    present = np.random.default_rng(1).uniform(size=y.shape) < 0.7
    np.testing.assert_array_equal(
        losses.Cox().call(y, r, present),
        losses.Cox().call(y, r, present.all(-1)),
    )


def test_without_any_label_no_risk_moves():
    y, r = data(8)

    def function(risk):
        return keras.ops.sum(losses.Cox().call(y, risk, np.zeros(8, bool)))

    assert float(function(r)) == 0.0
    np.testing.assert_array_equal(gradient(function, r), np.zeros_like(r))


@pytest.mark.sampled
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6, 1e30])
def test_large_risks_are_finite(scale):
    y, r = data()
    function = compiled(summed(losses.Cox(), y))
    assert np.isfinite(float(function(scale * r)))
    assert np.isfinite(gradient(function, scale * r)).all()


def test_a_large_risk_outside_does_not_round_a_small_set_away():
    y = np.array([[1, 0], [2, 1], [3, 1]], "float32")
    r = np.array([[200.0], [-200.0], [-201.0]], "float32")
    np.testing.assert_allclose(
        losses.Cox().call(y, r), [0, np.log1p(np.exp(-1)), 0], rtol=1e-5
    )


def test_adding_a_number_to_all_risks_changes_nothing():
    y, r = data()
    np.testing.assert_allclose(
        losses.Cox().call(y, r + 3), losses.Cox().call(y, r), atol=1e-5
    )


def test_risks_may_lack_the_last_axis():
    y, r = data()
    np.testing.assert_array_equal(
        losses.Cox().call(y, r[:, 0]), losses.Cox().call(y, r)
    )


@pytest.mark.parametrize("labels", [(6,), (6, 1), (6, 3), (5, 2)])
def test_labels_that_are_no_survival_are_refused(labels):
    with pytest.raises(ValueError, match="'cox' expects labels of shape"):
        losses.Cox().call(np.ones(labels), np.ones((6, 1)))
