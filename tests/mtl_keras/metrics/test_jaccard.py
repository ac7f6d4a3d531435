import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def test_binary_labels_equal_scikit_learn():
    y, p, weight = streams.yes_or_no(300)
    expected = jaccard_score(y, p > 0.3, sample_weight=weight)
    received = streams.feed(metrics.Jaccard(threshold=0.3), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_pixels_of_masks_equal_scikit_learn(average):
    y, p, weight = streams.classes(240, 5)
    kept = weight > 0
    expected = jaccard_score(y[kept], p[kept].argmax(-1), average=average)
    received = streams.feed(
        metrics.Jaccard(num_classes=5, average=average),
        y.reshape(10, 6, 4),
        p.reshape(10, 6, 4, 5),
        weight.reshape(10, 6, 4),
    )
    assert received == pytest.approx(expected, rel=1e-6)


def test_class_that_never_occurs_does_not_count():
    y, p = np.array([0, 0, 1, 1]), np.eye(3)[[0, 1, 1, 1]]
    received = streams.feed(metrics.Jaccard(num_classes=3), y, p)
    # 1 of 2 pixels, and 2 of 3.
    assert received == pytest.approx((1 / 2 + 2 / 3) / 2, rel=1e-6)
