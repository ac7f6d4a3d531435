import importlib
import pkgutil

import keras
import numpy as np
import pytest

from mtl_keras import heads, metrics


def test_ours_come_first():
    assert type(metrics.get("accuracy")) is metrics.Accuracy
    assert type(metrics.get("auc")) is metrics.AUC


@pytest.mark.parametrize(
    "name, expected",
    [
        ("MSE", keras.metrics.MeanSquaredError),
        ("mean_squared_error", keras.metrics.MeanSquaredError),
        ("categorical_accuracy", keras.metrics.CategoricalAccuracy),
        ("AUC", keras.metrics.AUC),
    ],
)
def test_keras_metrics_by_name(name, expected):
    assert type(metrics.get(name)) is expected


def test_a_metric_is_found_by_its_module_and_its_class():
    for name in metrics.list_metrics():
        cls = type(metrics.get(name))
        assert cls.__module__ == f"mtl_keras.metrics.{name}"
        assert getattr(metrics, cls.__name__) is cls
        assert cls.__name__ in metrics.__all__


def test_no_name_of_the_package_hides_a_module():
    for package in (metrics, heads):
        for module in pkgutil.iter_modules(package.__path__):
            member = importlib.import_module(
                f"{package.__name__}.{module.name}"
            )
            assert getattr(package, module.name) is member


def test_objects_are_returned():
    for metric in (metrics.F1(), metrics.AUC(), keras.metrics.Mean()):
        assert metrics.get(metric) is metric


def test_classes_become_objects():
    assert type(metrics.get(metrics.AUC)) is metrics.AUC
    assert type(metrics.get(keras.metrics.AUC)) is keras.metrics.AUC


def test_functions_are_wrapped():
    def distance(y_true, y_pred):
        return keras.ops.abs(y_true - y_pred)

    metric = metrics.get(distance)
    assert metric.name == "distance"
    metric.update_state(np.zeros(4), np.arange(4.0), np.array([1, 1, 0, 0]))
    assert float(metric.result()) == pytest.approx(0.5)


def test_functions_that_reduce_over_the_batch_are_refused():
    metric = metrics.get(lambda y_true, y_pred: keras.ops.mean(y_pred))
    with pytest.raises(ValueError, match="'lambda' must return one value for"):
        metric.update_state(np.zeros(4), np.arange(4.0), np.ones(4))


def test_unnamed_functions_are_wrapped():
    assert metrics.get(lambda y_true, y_pred: y_pred).name == "lambda"


@pytest.mark.parametrize(
    "identifier, message",
    [
        ("acuracy", "Did you mean 'accuracy'"),
        ("recal", "Did you mean 'Recall'"),
        ("nothing_like_it", "Unknown metric: 'nothing_like_it'"),
        ("MeanIoU", "cannot be made from its name alone: .*num_classes"),
        (7, "Received: 7 of type int"),
        (None, "Received: None"),
        ({"class_name": "Nothing"}, "Unknown metric: 'Nothing'"),
    ],
)
def test_what_is_no_metric_is_refused(identifier, message):
    with pytest.raises(ValueError, match=message):
        metrics.get(identifier)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: metrics.Accuracy(threshold="0"), "`threshold` must be"),
        (lambda: metrics.F1(average="makro"), "Did you mean 'macro'"),
        (lambda: metrics.F1(num_classes=1), "`num_classes` must be"),
        (lambda: metrics.F1(num_classes="4"), "Received: num_classes='4'"),
        (lambda: metrics.F1(num_classes=2.5), "must be an integer"),
        (lambda: metrics.AveragePrecision(iou=0), "`iou` must be"),
        (lambda: metrics.AveragePrecision(iou=50), "`iou` must be"),
        (lambda: metrics.AbsRel(smallest=0), "`smallest` must be"),
        (lambda: metrics.SILog(smallest=-1), "`smallest` must be"),
        (lambda: metrics.Dice(threshold=float("inf")), "`threshold` must be"),
        (lambda: metrics.R2(num_outputs=0), "`num_outputs` must be"),
        (lambda: metrics.R2(num_outputs=1.5), "must be an integer"),
        (lambda: metrics.SentenceAccuracy(tasks="slot"), "sequence of task"),
        (lambda: metrics.SentenceAccuracy(tasks=()), "sequence of task"),
        (lambda: metrics.SpanF1(()), "Tags must be 'O'"),
        (lambda: metrics.SpanF1(("O", "artist")), r"Received: \['artist'\]"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
