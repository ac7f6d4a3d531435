import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import (
    compiled,
    compiled_gradient,
    gradient,
    summed,
)

BOX = np.array([[0.2, 0.3, 0.6, 0.8]], "float32")


def loss_of(box_true, box_pred):
    return np.asarray(losses.GIoU().call(box_true, box_pred), "float64")


def slope_of(box_true, box_pred):
    return gradient(summed(losses.GIoU(), box_true), box_pred)


def algorithm_1(a, b):
    """1 - GIoU of two boxes by the paper's algorithm 1, in float64."""
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area_a = (a[2] - a[0]) * (a[3] - a[1])
    area_b = (b[2] - b[0]) * (b[3] - b[1])
    union = area_a + area_b - width * height
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (
        max(a[3], b[3]) - min(a[1], b[1])
    )
    return 1 - (width * height / union - (hull - union) / hull)


def test_equals_the_paper_s_algorithm():
    a, b = examples.boxes(5000, seed=0), examples.boxes(5000, seed=1)
    expected = [algorithm_1(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(loss_of(a, b), expected, atol=1e-6, rtol=0)


def test_equals_counted_cells():
    # Boxes on a grid of 20 x 20: areas are numbers of cells.
    rng = np.random.default_rng(0)
    low = rng.integers(0, 10, (50, 2, 2))
    corners = np.concatenate([low, low + rng.integers(1, 11, low.shape)], -1)
    cells = np.arange(20)
    for a, b in corners:
        x, y = np.meshgrid(cells, cells, indexing="ij")
        inside = [
            (x >= c[0]) & (x < c[2]) & (y >= c[1]) & (y < c[3]) for c in (a, b)
        ]
        union = (inside[0] | inside[1]).sum()
        hull = np.ptp(x[inside[0] | inside[1]]) + 1
        hull *= np.ptp(y[inside[0] | inside[1]]) + 1
        iou = (inside[0] & inside[1]).sum() / union
        expected = 1 - (iou - (hull - union) / hull)
        received = loss_of(a[None] / 20, b[None] / 20)[0]
        assert received == pytest.approx(expected, abs=1e-6)


def test_values_worked_by_hand():
    a = [[0.0, 0.0, 1.0, 1.0]]
    for b, expected in [
        ([0.0, 0.0, 1.0, 1.0], 0.0),
        # Half covered: IoU 1/2, hull = union.
        ([0.0, 0.0, 1.0, 0.5], 0.5),
        # Side by side: IoU 0, hull = union = 2.
        ([1.0, 0.0, 2.0, 1.0], 1.0),
        # Gap of 1: union 2, hull 3.
        ([2.0, 0.0, 3.0, 1.0], 1 + 1 / 3),
        # Corner to corner: union 2, hull 4.
        ([1.0, 1.0, 2.0, 2.0], 1.5),
        # Shifted by half: 0.5 / 1.5, hull 1.5.
        ([0.5, 0.0, 1.5, 1.0], 2 / 3),
    ]:
        received = loss_of(np.array(a), np.array([b]))[0]
        assert received == pytest.approx(expected, abs=1e-6), b


def random_boxes(count, seed):
    """Any four numbers in [0, 1]: three quarters of them crossed boxes."""
    numbers = np.random.default_rng(seed).random((count, 4))
    return numbers.astype("float32")


def test_is_symmetric():
    a, b = random_boxes(2000, 0), random_boxes(2000, 1)
    np.testing.assert_array_equal(loss_of(a, b), loss_of(b, a))


def test_lies_between_0_and_2():
    values = loss_of(random_boxes(5000, 0), random_boxes(5000, 1))
    assert values.min() > 0
    assert values.max() <= 2


@pytest.mark.parametrize("scale", [1e-10, 1e-5, 1e5, 1e10])
def test_does_not_depend_on_the_scale(scale):
    a, b = examples.boxes(500, seed=0), random_boxes(500, seed=1)
    scaled = [(scale * x.astype("float64")).astype("float32") for x in (a, b)]
    np.testing.assert_allclose(
        loss_of(*scaled), loss_of(a, b), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        scale * slope_of(*scaled).astype("float64"),
        slope_of(a, b),
        rtol=1e-3,
        atol=1e-3,
    )


def test_does_not_depend_on_the_place():
    a, b = examples.boxes(500, seed=0), examples.boxes(500, seed=1)
    np.testing.assert_allclose(loss_of(a + 1, b + 1), loss_of(a, b), atol=1e-4)


DEGENERATE = {
    "point inside": [0.4, 0.5, 0.4, 0.5],
    "point outside": [0.9, 0.1, 0.9, 0.1],
    "point on the corner": [0.2, 0.3, 0.2, 0.3],
    "segment inside": [0.4, 0.4, 0.4, 0.7],
    "segment outside": [0.7, 0.1, 0.9, 0.1],
    "mirrored": [0.6, 0.8, 0.2, 0.3],
    "crossed in x inside": [0.5, 0.4, 0.3, 0.7],
    "crossed in both inside": [0.5, 0.7, 0.3, 0.4],
    "crossed outside": [0.9, 0.2, 0.7, 0.1],
    "whole image crossed": [1.0, 1.0, 0.0, 0.0],
    "corner of the image": [0.0, 0.0, 0.0, 0.0],
}


@pytest.mark.parametrize("wrap", [compiled, lambda f: f])
def test_degenerate_predictions_are_finite_and_have_a_gradient(wrap):
    boxes = np.array(list(DEGENERATE.values()), "float32")
    true = np.repeat(BOX, len(boxes), axis=0)
    slopes = gradient(wrap(summed(losses.GIoU(), true)), boxes)
    values = loss_of(true, boxes)
    assert np.isfinite(slopes).all()
    for place, value, slope in zip(DEGENERATE, values, slopes, strict=True):
        assert 1 <= value <= 2, place
        assert np.abs(slope).max() > 0.1, place


def test_descent_brings_every_degenerate_prediction_home():
    boxes = np.array(list(DEGENERATE.values()), "float32")
    true = np.repeat(BOX, len(boxes), axis=0)
    slope_at = compiled_gradient(summed(losses.GIoU(), true))
    for step in range(600):
        slope = slope_at(boxes)
        size = np.maximum(np.abs(slope).max(-1, keepdims=True), 1e-6)
        boxes = boxes - 0.02 * 0.99**step * slope / size
    for place, box in zip(DEGENERATE, boxes, strict=True):
        np.testing.assert_allclose(box, BOX[0], atol=0.01, err_msg=place)


def test_identical_boxes_cost_nothing():
    boxes = examples.boxes(100)
    np.testing.assert_allclose(loss_of(boxes, boxes), 0, atol=1e-6)
    assert np.isfinite(slope_of(boxes, boxes)).all()


@pytest.mark.parametrize(
    "first, second, expected",
    [
        ([0.3, 0.3, 0.3, 0.3], [0.3, 0.3, 0.3, 0.3], 0.0),
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], 0.0),
        ([0.3, 0.2, 0.3, 0.8], [0.3, 0.2, 0.3, 0.8], 0.0),
        # On one line, half covered: as in one dimension.
        ([0.3, 0.2, 0.3, 0.8], [0.3, 0.2, 0.3, 0.5], 0.5),
        ([0.3, 0.3, 0.3, 0.3], [0.7, 0.7, 0.7, 0.7], 2.0),
        ([0.3, 0.3, 0.3, 0.3], [0.2, 0.2, 0.4, 0.4], 1.0),
    ],
)
def test_true_boxes_without_area_are_finite(first, second, expected):
    a, b = np.array([first], "float32"), np.array([second], "float32")
    assert loss_of(a, b)[0] == pytest.approx(expected, abs=1e-6)
    assert np.isfinite(slope_of(a, b)).all()


@pytest.mark.parametrize("size", [1e-4, 1e-9, 1e-15, 1e-30])
def test_tiny_boxes_far_apart_are_finite(size):
    a = np.array([[0.0, 0.0, size, size]], "float32")
    b = np.array([[1.0 - size, 0.0, 1.0, size]], "float32")
    for true, pred in ((a, b), (b, a)):
        assert 0 <= loss_of(true, pred)[0] <= 2
        assert np.isfinite(slope_of(true, pred)).all()


def test_mirror_image_is_not_right():
    mirrored = BOX[:, [2, 3, 0, 1]]
    # union = hull, and crossed by all of the hull on both axes: 2 - 1 / 2.
    assert loss_of(BOX, mirrored)[0] == pytest.approx(1.5)


@pytest.mark.parametrize(
    "labels, predictions", [((3, 4), (3, 5)), ((4,), (3,))]
)
def test_what_is_no_box_is_refused(labels, predictions):
    with pytest.raises(ValueError, match="expects boxes x1, y1, x2, y2"):
        losses.GIoU().call(np.zeros(labels), np.zeros(predictions))
