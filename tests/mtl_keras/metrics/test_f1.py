import numpy as np
import pytest
from sklearn.metrics import f1_score

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def test_logits_are_compared_with_a_threshold_of_0():
    y, p, weight = streams.yes_or_no(300)
    logits = np.log(p / (1 - p))
    expected = f1_score(y, p > 0.5, sample_weight=weight)
    received = streams.feed(metrics.F1(threshold=0), y, logits, weight)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("threshold", [0.5, 0.2])
@pytest.mark.parametrize("labels", [(300,), (300, 1)])
def test_yes_or_no_equals_scikit_learn(labels, threshold):
    y, p, weight = streams.yes_or_no(300, 1)
    expected = f1_score(
        y[:, 0], p[:, 0] > threshold, sample_weight=weight[:, 0]
    )
    metric = metrics.F1(threshold=threshold)
    received = streams.feed(metric, y.reshape(labels), p, weight)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_classes_equal_scikit_learn(average):
    y, p, weight = streams.classes(300, 5)
    kept = weight > 0
    expected = f1_score(y[kept], p[kept].argmax(-1), average=average)
    metric = metrics.F1(num_classes=5, average=average)
    assert streams.feed(metric, y, p, weight) == pytest.approx(
        expected, rel=1e-6
    )


def test_class_that_never_occurs_does_not_count():
    y, p, _ = streams.classes(300, 5)
    p[:, 4] = 0
    y = np.where(y == 4, 0, y)
    expected = f1_score(y, p.argmax(-1), average="macro")
    received = streams.feed(metrics.F1(num_classes=5), y, p)
    assert received == pytest.approx(expected, rel=1e-6)


def test_several_labels_count_together():
    y, p, weight = streams.yes_or_no(100, 4)
    expected = f1_score(
        y.ravel(), p.ravel() > 0.5, sample_weight=weight.ravel()
    )
    received = streams.feed(metrics.F1(), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-6)


def test_tokens_equal_scikit_learn():
    y, p, weight = streams.classes(240, 5)
    kept = weight > 0
    expected = f1_score(y[kept], p[kept].argmax(-1), average="macro")
    received = streams.feed(
        metrics.F1(num_classes=5),
        y.reshape(40, 6),
        p.reshape(40, 6, 5),
        weight.reshape(40, 6),
    )
    assert received == pytest.approx(expected, rel=1e-6)


def test_labels_without_any_positive_give_0():
    assert streams.feed(metrics.F1(), np.zeros(9), np.zeros((9, 1))) == 0.0


def test_class_predictions_without_num_classes_are_refused():
    y, p, _ = streams.classes(10, 5)
    with pytest.raises(ValueError, match=r"use F1\(num_classes=5\)"):
        metrics.F1().update_state(y, p)


def test_another_number_of_classes_is_refused():
    y, p, _ = streams.classes(10, 5)
    with pytest.raises(ValueError, match="over 4 classes"):
        metrics.F1(num_classes=4).update_state(y, p)
