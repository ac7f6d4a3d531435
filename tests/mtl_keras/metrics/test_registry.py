"""What every registered metric must do; the list comes from the registry."""

import inspect
import json

import keras
import numpy as np
import pytest

from mtl_keras import losses, metrics
from tests.mtl_keras.metrics import streams

NAMES = metrics.list_metrics()
STREAMING = [
    n for n in NAMES if isinstance(metrics.get(n), keras.metrics.Metric)
]
SPLIT = [n for n in NAMES if isinstance(metrics.get(n), metrics.SplitMetric)]
LOGGED = {
    **{name: name for name in NAMES},
    "average_precision": "ap50",
    "coco_ap": "ap50",
    "mean_iou": "iou",
}


def batch(name, count=100):
    if name == "mean_iou":
        return streams.boxes(count)
    if name in ("angular_error", "median_angle", "within_angle"):
        return streams.directions(count)
    if name in ("abs_rel", "mae", "mse", "r2", "rmse"):
        y, p, weight = streams.numbers(count, 1)
        return y, p, weight[:, 0]
    if name in ("dice", "silog"):
        y, p, weight = streams.yes_or_no(count, 6)
        return y + (name == "silog"), p, weight[:, 0]
    y, p, weight = streams.yes_or_no(count, 1)
    return y, p, weight[:, 0]


def test_every_metric_is_of_one_kind():
    assert sorted([*STREAMING, *SPLIT]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_logged_name(name):
    assert metrics.get(name).name == LOGGED[name]
    if name != "coco_ap":
        # "ap50" is the one of a single box, which had the name first.
        assert type(metrics.get(LOGGED[name])) is type(metrics.get(name))


def test_no_metric_is_registered_under_a_loss_s_name():
    objects = [losses.get(n) for n in losses.list_losses()]
    objects += [metrics.get(n) for n in NAMES]
    names = [keras.saving.get_registered_name(type(o)) for o in objects]
    assert len(set(names)) == len(names)
    for name, object_ in zip(names, objects, strict=True):
        assert keras.saving.get_registered_object(name) is type(object_)


@pytest.mark.parametrize("name", NAMES)
def test_survives_serialization(name):
    metric = metrics.get(name)
    config = keras.saving.serialize_keras_object(metric)
    again = metrics.get(json.loads(json.dumps(config)))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize("name", NAMES)
def test_config_has_every_argument_of_the_constructor(name):
    metric = metrics.get(name)
    arguments = set(inspect.signature(type(metric)).parameters)
    assert arguments <= set(metric.get_config()), "return them in `get_config`"


@pytest.mark.parametrize(
    "metric",
    [
        metrics.Accuracy(threshold=0.3, name="a"),
        metrics.F1(num_classes=4, average="micro"),
        metrics.MeanIoU(name="overlap"),
        metrics.AUC(name="area"),
        metrics.AveragePrecision(iou=0.75, score="seen", classes="kind"),
        metrics.AbsRel(smallest=0.1),
        metrics.Dice(threshold=0.3),
        metrics.Jaccard(num_classes=3, average="micro", name="iou"),
        metrics.PRAUC(name="area"),
        metrics.R2(num_outputs=3),
        metrics.SILog(smallest=0.1, name="log"),
        metrics.SentenceAccuracy(("a", "b"), threshold=0.3),
        metrics.SpanF1(("O", "B-x", "I-x"), name="f1"),
    ],
    ids=lambda metric: metric.name,
)
def test_arguments_survive_serialization(metric):
    again = metrics.get(keras.saving.serialize_keras_object(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize("name", STREAMING)
def test_no_label_gives_nan(name):
    metric = metrics.get(name)
    assert np.isnan(float(metric.result()))
    y, p, weight = batch(name)
    metric.update_state(y, p, np.zeros_like(weight))
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("name", STREAMING)
def test_batches_do_not_matter(name):
    y, p, weight = batch(name)
    whole = streams.feed(metrics.get(name), y, p, weight, sizes=(100,))
    parts = streams.feed(metrics.get(name), y, p, weight)
    assert parts == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("name", STREAMING)
def test_weight_0_is_as_if_not_there(name):
    y, p, weight = batch(name)
    kept = weight > 0
    assert streams.feed(metrics.get(name), y, p, weight) == pytest.approx(
        streams.feed(metrics.get(name), y[kept], p[kept]), rel=1e-6
    )


@pytest.mark.parametrize("name", STREAMING)
def test_what_has_no_weight_may_be_nan(name):
    y, p, weight = batch(name)
    expected = streams.feed(metrics.get(name), y, p, weight)
    y = np.where(np.reshape(weight > 0, (-1, 1)), y, np.nan)
    assert streams.feed(metrics.get(name), y, p, weight) == expected


@pytest.mark.parametrize("name", STREAMING)
def test_reset_forgets(name):
    y, p, weight = batch(name)
    metric = metrics.get(name)
    streams.feed(metric, y[:50], p[:50])
    metric.reset_state()
    received = streams.feed(metric, y[50:], p[50:], weight[50:])
    fresh = streams.feed(metrics.get(name), y[50:], p[50:], weight[50:])
    assert received == fresh


@pytest.mark.parametrize("name", STREAMING)
def test_compiled_equals_eager(name):
    y, p, weight = batch(name)
    compiled = streams.feed_compiled(metrics.get(name), y, p, weight)
    eager = streams.feed(metrics.get(name), y, p, weight)
    assert compiled == pytest.approx(eager, rel=1e-6)


@pytest.mark.parametrize("name", STREAMING)
@pytest.mark.parametrize("shape", [(99,), (100, 2), (100, 1, 2)])
def test_weights_that_do_not_fit_are_refused(name, shape):
    y, p, _ = batch(name)
    with pytest.raises(ValueError, match="expects `sample_weight` of shape"):
        metrics.get(name).update_state(y, p, np.ones(shape))


@pytest.mark.parametrize("name", STREAMING)
def test_works_in_a_plain_keras_model(name):
    y, p, weight = batch(name)
    model = keras.Sequential(
        [keras.Input((p.shape[-1],)), keras.layers.Identity()]
    )
    model.compile(loss="mse", weighted_metrics=[metrics.get(name)])
    logs = model.evaluate(
        p, y, sample_weight=weight, batch_size=32, return_dict=True, verbose=0
    )
    expected = streams.feed(metrics.get(name), y, p, weight)
    assert logs[LOGGED[name]] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", SPLIT)
def test_task_without_arrays_is_named(name):
    if name == "coco_ap":
        pytest.importorskip("pycocotools", reason="needs the extra coco")
    with pytest.raises(ValueError, match="Unknown task in metric .*'boxx'"):
        metrics.get(name).result({"boxx": 1}, {"boxx": 1}, {"boxx": 1}, "box")
