import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def area(y, p, weight):
    return metrics.PRAUC().result({"t": y}, {"t": p}, {"t": weight}, "t")


@pytest.mark.parametrize("labels", [(300,), (300, 1)])
@pytest.mark.parametrize("predictions", [(300,), (300, 1)])
def test_yes_or_no_equals_scikit_learn(labels, predictions):
    y, p, weight = streams.yes_or_no(300)
    kept = weight > 0
    received = area(y.reshape(labels), p.reshape(predictions), weight)
    expected = average_precision_score(y[kept], p[kept])
    assert received == pytest.approx(expected, abs=1e-6)


def test_several_labels_give_the_mean_of_their_areas():
    y, p, weight = streams.yes_or_no(200, 3)
    kept = weight > 0
    expected = [
        average_precision_score(y[k, i], p[k, i]) for i, k in enumerate(kept.T)
    ]
    assert area(y, p, weight) == pytest.approx(np.mean(expected), abs=1e-6)


def test_classes_equal_scikit_learn_one_against_the_rest():
    y, p, weight = streams.classes(400, 5)
    y = np.where(y == 4, 0, y)  # Class 4 never occurs.
    kept = weight > 0
    expected = average_precision_score(np.eye(4)[y[kept]], p[kept, :4])
    assert area(y, p, weight) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "y, p",
    [
        (np.zeros(4), np.ones(4)),
        (np.array([0, 1]), np.array([np.nan, 1])),
        (np.zeros(0), np.zeros(0)),
    ],
)
def test_undefined_is_nan(y, p):
    assert np.isnan(area(y, p, np.ones(len(y))))
