"""Gains over the best of several models, and their intervals."""

import keras
import numpy as np
import pytest
from sklearn import metrics

import mtl_keras
from mtl_keras import Task, ensemble
from tests.mtl_keras.ensemble import linear_members as linear
from zoo import gains

X, LABELS = linear.data(60)
MODEL = linear.fit(X, LABELS)
MISSING = np.arange(60) % 4 == 0
ROWS = np.random.default_rng(0).integers(0, 60, 60)


def test_measures_are_scikit_learns_on_the_labels_that_are_there():
    labels = {**LABELS, "det": np.where(MISSING, -1, LABELS["det"])}
    outputs = linear.predict(MODEL, X)
    functions = gains.Measures(MODEL, labels).of(outputs)
    rows = ROWS[~MISSING[ROWS]]
    true, score = LABELS["det"][rows], outputs["det"][rows, 0]
    received = {name: f(ROWS) for name, f in functions.items()}
    assert received["det_auc"] == pytest.approx(
        metrics.roc_auc_score(true, score)
    )
    assert received["det_loss"] == pytest.approx(
        metrics.log_loss(true, score), rel=1e-4
    )
    assert received["det_accuracy"] == pytest.approx(
        ((score > 0.5) == true).mean()
    )
    assert received["cls_loss"] == pytest.approx(
        metrics.log_loss(LABELS["cls"][ROWS], outputs["cls"][ROWS]), rel=1e-4
    )
    assert received["cls_accuracy"] == pytest.approx(
        (outputs["cls"][ROWS].argmax(1) == LABELS["cls"][ROWS]).mean()
    )
    assert set(received) == {
        "det_auc",
        "det_loss",
        "det_accuracy",
        "cls_loss",
        "cls_accuracy",
        "price_loss",
    }


def test_boxes_are_measured_by_the_metric_that_the_model_logs():
    inputs = keras.Input((4,), name="x")
    task = Task("box", "box")
    model = mtl_keras.build({"x": inputs}, [task], trunk=lambda i: i["x"])
    rng = np.random.default_rng(2)
    low, size = rng.uniform(0, 0.5, (30, 2)), rng.uniform(0.1, 0.5, (30, 2))
    boxes = np.concatenate([low, low + size], axis=1).astype("float32")
    labels = np.where(np.arange(30)[:, None] % 4 == 0, np.nan, boxes)
    x = rng.normal(size=(30, 4)).astype("float32")
    model.compile()
    logs = model.evaluate(
        {"x": x}, {"box": labels}, return_dict=True, verbose=0
    )
    measures = gains.Measures(model, {"box": labels})
    received = measures.of(model.predict({"x": x}, verbose=0))
    assert received["box_iou"](np.arange(30)) == pytest.approx(
        logs["box_iou"], rel=1e-5
    )
    assert logs["box_iou"] > 0


def of_values(values):
    return {"a_loss": lambda rows: values[rows].mean()}


def test_gain_is_over_the_best_single_model_on_the_same_draws():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=500)
    singles = {"x": of_values(noise + 3.0), "y": of_values(noise + 2.0)}
    others = {"better": of_values(noise + 1.5), "same": of_values(noise + 2.0)}
    best = gains.best_of(singles, 500)
    assert best == {"a_loss": "y"}
    compared = gains.over(best, singles, others, 500, draws=50)
    better, same = (compared[n]["a_loss"] for n in ("better", "same"))
    # Paired draws: the noise that both share has no part in the interval.
    assert better.gain == pytest.approx(0.5)
    assert (better.low, better.high) == pytest.approx((0.5, 0.5))
    assert same.gain == pytest.approx(0.0)


def test_an_ensemble_has_the_measures_of_its_members():
    pair = [MODEL, linear.fit(X[::2], {k: v[::2] for k, v in LABELS.items()})]
    model = ensemble.average(pair)
    assert gains.Measures(model, LABELS).of(
        linear.predict(model, X)
    ).keys() == (
        gains.Measures(MODEL, LABELS).of(linear.predict(MODEL, X)).keys()
    )
