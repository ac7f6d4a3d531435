import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def area(y, p, weight):
    return metrics.AUC().result({"t": y}, {"t": p}, {"t": weight}, "t")


def test_reads_its_own_task():
    assert metrics.AUC().reads("det") == ("det",)


@pytest.mark.parametrize("labels", [(300,), (300, 1)])
@pytest.mark.parametrize("predictions", [(300,), (300, 1)])
@pytest.mark.parametrize("weights", [(300,), (300, 1)])
def test_yes_or_no_equals_scikit_learn(labels, predictions, weights):
    y, p, weight = streams.yes_or_no(300)
    kept = weight > 0
    received = area(
        y.reshape(labels), p.reshape(predictions), weight.reshape(weights)
    )
    assert received == pytest.approx(roc_auc_score(y[kept], p[kept]))
    assert isinstance(received, float)


def test_is_the_share_of_pairs_in_order():
    y, p, _ = streams.yes_or_no(60)
    p = np.round(p, 1)  # With ties, which count a half.
    pairs = p[y == 1][:, None] - p[y == 0]
    expected = (pairs > 0).mean() + 0.5 * (pairs == 0).mean()
    assert area(y, p, np.ones(60)) == pytest.approx(expected)


def test_several_labels_give_the_mean_of_their_areas():
    y, p, weight = streams.yes_or_no(200, 3)
    kept = weight > 0
    expected = [
        roc_auc_score(y[kept[:, i], i], p[kept[:, i], i]) for i in range(3)
    ]
    assert area(y, p, weight) == pytest.approx(np.mean(expected))


def test_classes_equal_scikit_learn_one_against_the_rest():
    y, p, weight = streams.classes(400, 5)
    kept = weight > 0
    p = p.astype("float64")
    p /= p.sum(-1, keepdims=True)
    expected = roc_auc_score(y[kept], p[kept], multi_class="ovr")
    assert area(y, p, weight) == pytest.approx(expected)


def test_tokens_equal_scikit_learn():
    y, p, weight = streams.classes(400, 3)
    received = area(
        y.reshape(100, 4), p.reshape(100, 4, 3), weight.reshape(100, 4)
    )
    assert received == pytest.approx(area(y, p, weight))


def test_class_that_is_not_there_is_left_out():
    y, p, _ = streams.classes(300, 4)
    y = np.where(y == 3, 0, y)
    expected = [roc_auc_score(y == c, p[:, c]) for c in range(3)]
    assert area(y, p, np.ones(300)) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    "y, p, weight",
    [
        (np.ones(4), np.ones(4), np.ones(4)),
        (np.zeros(4), np.ones(4), np.ones(4)),
        (np.array([0, 1]), np.ones(2), np.array([1, 0])),
        (np.array([0, 1]), np.ones(2), np.zeros(2)),
        (np.array([0, 1]), np.array([np.nan, 1]), np.ones(2)),
        (np.zeros(4, int), np.full((4, 3), 1 / 3), np.ones(4)),
        (np.zeros((0,)), np.zeros((0, 1)), np.zeros((0,))),
    ],
)
def test_undefined_is_nan(y, p, weight):
    assert np.isnan(area(y, p, weight))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expects predictions of the labels'"):
        area(np.ones(4), np.ones((5, 2)), np.ones(4))
    with pytest.raises(ValueError, match="Expected weights of shape"):
        area(np.ones(4), np.ones(4), np.ones(5))
