"""Mean squared and absolute error, their root, and R2, by scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams

EXPECTED = {
    "mae": sklearn.mean_absolute_error,
    "mse": sklearn.mean_squared_error,
    "rmse": sklearn.root_mean_squared_error,
    "r2": sklearn.r2_score,
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("labels", [(400,), (400, 1)])
@pytest.mark.parametrize("predictions", [(400,), (400, 1)])
def test_equals_scikit_learn(name, labels, predictions):
    y, p, weight = streams.numbers(400)
    kept = weight > 0
    expected = EXPECTED[name](y[kept].astype("f8"), p[kept].astype("f8"))
    received = streams.feed(
        metrics.get(name), y.reshape(labels), p.reshape(predictions), weight
    )
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_weights_equal_scikit_learn_s(name):
    y, p, weight = streams.numbers(400)
    weight = weight * np.random.default_rng(1).uniform(size=400)
    expected = EXPECTED[name](y, p, sample_weight=weight)
    received = streams.feed(metrics.get(name), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", EXPECTED)
def test_elements_count_one_by_one(name):
    y, p, weight = streams.numbers(100, 4)
    y[weight == 0] = np.nan
    kept = weight > 0
    received = streams.feed(metrics.get(name), y, p, weight)
    expected = EXPECTED[name](y[kept].astype("f8"), p[kept].astype("f8"))
    assert received == pytest.approx(expected, rel=1e-6)


def test_r2_of_outputs_equals_scikit_learn_s_mean():
    y, p, weight = streams.numbers(300, 3)
    y[:, 1] *= 10
    kept = weight > 0
    expected = np.mean(
        [
            sklearn.r2_score(y[k, i].astype("f8"), p[k, i].astype("f8"))
            for i, k in enumerate(kept.T)
        ]
    )
    received = streams.feed(metrics.R2(num_outputs=3), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("mean", [1e3, -1e4])
def test_a_large_mean_costs_r2_no_digits(mean):
    rng = np.random.default_rng(0)
    y = (mean + rng.normal(size=2000)).astype("float32")
    p = (y + 0.3 * rng.normal(size=2000)).astype("float32")
    expected = sklearn.r2_score(y.astype("f8"), p.astype("f8"))
    received = streams.feed(metrics.R2(), y, p)
    assert received == pytest.approx(expected, abs=1e-5)


def test_r2_of_sorted_batches_is_the_whole_s():
    y, p, _ = streams.numbers(400)
    order = np.argsort(y)
    expected = sklearn.r2_score(y.astype("f8"), p.astype("f8"))
    received = streams.feed(metrics.R2(), y[order], p[order])
    assert received == pytest.approx(expected, rel=1e-6)


def test_r2_of_equal_labels_is_nan():
    assert np.isnan(streams.feed(metrics.R2(), np.ones(9), np.zeros(9)))


def test_r2_of_an_output_that_does_not_vary_is_left_out():
    y, p, _ = streams.numbers(100, 2)
    y[:, 1] = 3
    received = streams.feed(metrics.R2(num_outputs=2), y, p)
    expected = sklearn.r2_score(y[:, 0].astype("f8"), p[:, 0].astype("f8"))
    assert received == pytest.approx(expected, rel=1e-6)


def test_another_number_of_outputs_is_refused():
    y, p, _ = streams.numbers(10, 2)
    with pytest.raises(ValueError, match="labels of 3 elements"):
        metrics.R2(num_outputs=3).update_state(y, p)
