import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


@pytest.mark.parametrize("labels", [(300,), (300, 1)])
def test_classes_equal_scikit_learn(labels):
    y, p, weight = streams.classes(300, 5)
    expected = accuracy_score(y, p.argmax(-1), sample_weight=weight)
    received = streams.feed(
        metrics.Accuracy(), y.reshape(labels), p, weight.reshape(labels)
    )
    assert received == pytest.approx(expected, rel=1e-6)


def test_logits_are_compared_with_a_threshold_of_0():
    y, p, weight = streams.yes_or_no(300)
    logits = np.log(p / (1 - p))
    expected = accuracy_score(y, p > 0.5, sample_weight=weight)
    received = streams.feed(metrics.Accuracy(threshold=0), y, logits, weight)
    assert received == pytest.approx(expected, rel=1e-6)
    # With the threshold of probabilities the value is another one.
    assert streams.feed(metrics.Accuracy(), y, logits, weight) != received


@pytest.mark.parametrize("threshold", [0.5, 0.2])
@pytest.mark.parametrize(
    "labels, predictions", [((300,), (300, 1)), ((300, 1), (300,))]
)
def test_yes_or_no_equals_scikit_learn(labels, predictions, threshold):
    y, p, weight = streams.yes_or_no(300)
    expected = accuracy_score(y, p > threshold, sample_weight=weight)
    received = streams.feed(
        metrics.Accuracy(threshold),
        y.reshape(labels),
        p.reshape(predictions),
        weight,
    )
    assert received == pytest.approx(expected, rel=1e-6)


def test_several_labels_count_one_by_one():
    y, p, weight = streams.yes_or_no(100, 4)
    expected = accuracy_score(
        y.ravel(), p.ravel() > 0.5, sample_weight=weight.ravel()
    )
    received = streams.feed(metrics.Accuracy(), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weights", [(40, 6), (40,), (40, 1)])
def test_tokens_are_weighted_by_token_or_example(weights):
    y, p, _ = streams.classes(240, 5)
    weight = np.random.default_rng(1).integers(0, 2, weights)
    y, p = y.reshape(40, 6), p.reshape(40, 6, 5)
    by_token = np.broadcast_to(weight.reshape(40, -1), (40, 6))
    expected = accuracy_score(
        y.ravel(), p.argmax(-1).ravel(), sample_weight=by_token.ravel()
    )
    received = streams.feed(metrics.Accuracy(), y, p, weight)
    assert received == pytest.approx(expected, rel=1e-6)


def test_missing_class_number_is_left_out():
    metric = metrics.Accuracy()
    p = np.array([[0.9, 0.1], [0.9, 0.1]])
    metric.update_state(np.array([-1, 0]), p, np.array([0, 1]))
    assert float(metric.result()) == 1.0
