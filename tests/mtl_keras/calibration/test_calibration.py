"""Temperatures, thresholds and errors, compared with known answers."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from mtl_keras import calibration


def _presence(temperature, number=20_000, seed=0):
    """Probabilities whose logits are `temperature` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, number)
    labels = rng.uniform(size=number) < 1 / (1 + np.exp(-logits))
    return 1 / (1 + np.exp(-logits * temperature)), labels.astype("int32")


def _classes(temperature, number=20_000, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (number, 4))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (rng.uniform(size=(number, 1)) > true.cumsum(1)).sum(1)
    wrong = np.exp(logits * temperature)
    return wrong / wrong.sum(1, keepdims=True), np.minimum(labels, 3)


@pytest.mark.parametrize("make", [_presence, _classes])
@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_planted_temperature_is_found(make, temperature):
    probabilities, labels = make(temperature)
    fitted = calibration.fit_temperature(probabilities, labels)
    assert fitted == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("make", [_presence, _classes])
def test_the_temperature_lowers_the_error_on_other_examples(make):
    fitted = calibration.fit_temperature(*make(3.0))
    probabilities, labels = make(3.0, seed=1)
    before = calibration.expected_calibration_error(probabilities, labels)
    scaled = calibration.calibrated(probabilities, fitted)
    after = calibration.expected_calibration_error(scaled, labels)
    assert after < 0.02 < 0.08 < before


def test_scaling_keeps_the_most_probable_class_and_the_order():
    probabilities, _ = _classes(2.0, number=100)
    scaled = calibration.calibrated(probabilities, 5.0)
    np.testing.assert_array_equal(scaled.argmax(1), probabilities.argmax(1))
    np.testing.assert_allclose(scaled.sum(1), 1)
    presence, _ = _presence(2.0, number=100)
    order = np.argsort(calibration.calibrated(presence, 5.0))
    np.testing.assert_array_equal(order, np.argsort(presence))


@pytest.mark.parametrize("extreme", [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
def test_certain_predictions_have_a_finite_temperature(extreme):
    fitted = calibration.fit_temperature(extreme, [0, 1])
    assert 0.05 <= fitted <= 20.001
    assert np.isfinite(calibration.calibrated(extreme, fitted)).all()


def test_the_error_worked_by_hand():
    curve = calibration.reliability([0.1, 0.3, 0.9, 0.9], [0, 1, 1, 0], bins=2)
    np.testing.assert_allclose(curve.confidence, [0.2, 0.9])
    np.testing.assert_allclose(curve.accuracy, [0.5, 0.5])
    np.testing.assert_array_equal(curve.counts, [2, 2])
    assert curve.error == pytest.approx((0.3 * 2 + 0.4 * 2) / 4)


def test_missing_labels_do_not_count():
    probabilities, labels = _presence(2.0, number=500)
    with_missing = (
        np.append(probabilities, [0.9] * 300),
        np.append(labels, [-1] * 300),
    )
    for function in (
        calibration.fit_temperature,
        calibration.best_threshold,
        calibration.expected_calibration_error,
    ):
        assert function(*with_missing) == function(probabilities, labels)


@pytest.mark.parametrize(
    ("measure", "score"),
    [
        ("f1", sklearn_metrics.f1_score),
        ("accuracy", sklearn_metrics.accuracy_score),
        ("balanced_accuracy", sklearn_metrics.balanced_accuracy_score),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_better(measure, score, seed):
    rng = np.random.default_rng(seed)
    # Rounded: equal probabilities are on one side.
    probabilities = rng.uniform(size=60).round(1)
    labels = (rng.uniform(size=60) < probabilities**2).astype(int)
    chosen = calibration.best_threshold(probabilities, labels, measure=measure)
    best = max(
        score(labels, probabilities >= threshold)
        for threshold in np.linspace(0, 1, 101)
    )
    assert score(labels, probabilities >= chosen) == pytest.approx(best)


def test_labels_of_one_kind_say_nothing_about_a_threshold():
    assert calibration.best_threshold([0.2, 0.9], [1, 1]) == 0.5


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([0.1, 0.2], [0], "a label for each example"),
        ([1.1], [0], r"in \[0, 1\]"),
        ([np.nan], [0], r"in \[0, 1\]"),
        ([0.5], [-1], "not missing. Received: none"),
        ([0.5], [2], "labels below 2. Received: 2"),
        ([[0.5, 0.5]], [2], "labels below 2. Received: 2"),
    ],
)
def test_wrong_arrays_are_refused(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        calibration.fit_temperature(probabilities, labels)


def test_unknown_measure_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'f1'"):
        calibration.best_threshold([0.5], [1], measure="f2")
