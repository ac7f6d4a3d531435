import numpy as np
import pytest

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def by_hand(true, pred, weight):
    overlaps = [
        streams.iou_by_hand(a, b) for a, b in zip(true, pred, strict=True)
    ]
    return np.average(overlaps, weights=weight)


def test_equals_boxes_worked_one_by_one():
    true, pred, weight = streams.boxes(300)
    received = streams.feed(metrics.MeanIoU(), true, pred, weight)
    assert received == pytest.approx(by_hand(true, pred, weight), rel=1e-5)


def test_any_four_numbers_are_taken():
    true, _, weight = streams.boxes(300)
    pred = np.random.default_rng(1).random((300, 4)).astype("float32")
    received = streams.feed(metrics.MeanIoU(), true, pred, weight)
    assert received == pytest.approx(by_hand(true, pred, weight), rel=1e-5)


@pytest.mark.parametrize(
    "pred, expected",
    [
        ([0.2, 0.2, 0.6, 0.6], 1.0),
        ([0.2, 0.2, 0.6, 0.4], 0.5),
        ([0.4, 0.2, 0.8, 0.6], 1 / 3),
        ([0.6, 0.6, 0.8, 0.8], 0.0),
        ([0.6, 0.6, 0.2, 0.2], 0.0),
        ([0.3, 0.3, 0.3, 0.3], 0.0),
    ],
)
def test_values_worked_by_hand(pred, expected):
    metric = metrics.MeanIoU()
    metric.update_state(np.array([[0.2, 0.2, 0.6, 0.6]]), np.array([pred]))
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(10,), (10, 1), (10, 4)])
def test_weight_of_a_box_or_of_its_numbers(shape):
    true, pred, _ = streams.boxes(10)
    weight = np.ones((10, 4))
    weight[3:6] = 0
    expected = by_hand(true, pred, weight[:, 0])
    weight = weight if shape == (10, 4) else weight[:, 0].reshape(shape)
    received = streams.feed(metrics.MeanIoU(), true, pred, weight)
    assert received == pytest.approx(expected, rel=1e-5)


def test_box_missing_in_part_is_left_out():
    true, pred, _ = streams.boxes(3)
    weight = np.ones((3, 4))
    weight[1, 2] = 0
    expected = by_hand(true, pred, [1, 0, 1])
    received = streams.feed(metrics.MeanIoU(), true, pred, weight)
    assert received == pytest.approx(expected, rel=1e-5)


def test_several_boxes_an_image():
    true, pred, weight = streams.boxes(60)
    received = streams.feed(
        metrics.MeanIoU(),
        true.reshape(20, 3, 4),
        pred.reshape(20, 3, 4),
        weight.reshape(20, 3),
    )
    assert received == pytest.approx(by_hand(true, pred, weight), rel=1e-5)


def test_what_is_no_box_is_refused():
    with pytest.raises(ValueError, match="'iou' expects boxes x1, y1, x2, y2"):
        metrics.MeanIoU().update_state(np.ones((3, 5)), np.ones((3, 5)))
