import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mtl_keras import losses
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import gradient, summed


def by_hand(y, p, margin=0.7, power=2.0):
    lead = p[y == 1][:, None].astype("float64") - p[y == 0]
    return (np.maximum(margin - lead, 0) ** power).mean()


def data(*shape):
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, shape), rng.uniform(size=shape).astype("float32")


@pytest.mark.parametrize("margin, power", [(0.7, 2.0), (0.1, 3.0)])
@pytest.mark.parametrize("labels", [(50,), (50, 1)])
def test_mean_of_the_values_is_the_mean_over_pairs(labels, margin, power):
    y, p = data(50)
    values = losses.PairwiseAUC(margin, power).call(
        y.reshape(labels), p[:, None]
    )
    assert tuple(values.shape) == (50,)
    assert float(np.mean(values)) == pytest.approx(
        by_hand(y, p, margin, power), rel=1e-5
    )


def test_pairs_in_order_by_the_margin_cost_nothing():
    y = np.array([0, 0, 1, 1])
    p = np.array([[0.05], [0.1], [0.85], [0.9]], "float32")
    np.testing.assert_array_equal(losses.PairwiseAUC().call(y, p), np.zeros(4))
    assert roc_auc_score(y, p[:, 0]) == 1


def test_descent_raises_the_area():
    y, p = data(40)
    before = roc_auc_score(y, p)
    p = p[:, None]
    for _ in range(20):
        p = p - 0.05 * gradient(summed(losses.PairwiseAUC(), y), p)
    assert roc_auc_score(y, p[:, 0]) > before + 0.2


def test_several_labels_give_the_mean_of_their_own():
    y, p = data(30, 4)
    y[:, 2] = 1  # No pair: left out.
    values = losses.PairwiseAUC().call(y, p)
    assert tuple(values.shape) == (30, 4)
    expected = np.mean([by_hand(y[:, i], p[:, i]) for i in (0, 1, 3)])
    assert float(np.mean(values)) == pytest.approx(expected, rel=1e-5)
    assert not np.asarray(values)[:, 2].any()


def test_several_labels_each_miss_their_own():
    y, p = data(30, 3)
    present = np.random.default_rng(1).uniform(size=y.shape) < 0.6
    values = np.asarray(losses.PairwiseAUC().call(y, p, present))
    expected = np.mean(
        [by_hand(y[k, i], p[k, i]) for i, k in enumerate(present.T)]
    )
    assert values[present].mean() == pytest.approx(expected, rel=1e-5)
    assert not values[~present].any()


def test_classes_are_each_against_the_rest():
    p = examples.probabilities(60, 4)
    y = np.random.default_rng(1).integers(0, 3, 60)  # Class 3 never occurs.
    values = losses.PairwiseAUC().call(y, p)
    assert tuple(values.shape) == (60,)
    expected = np.mean([by_hand(y == c, p[:, c]) for c in range(3)])
    assert float(np.mean(values)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("label", [0, 1])
def test_a_batch_of_one_kind_costs_nothing(label):
    p = data(8)[1][:, None]
    function = summed(losses.PairwiseAUC(), np.full(8, label))
    assert float(function(p)) == 0
    assert not gradient(function, p).any()
