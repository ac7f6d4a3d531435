import numpy as np
import pytest

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams

BOX = [0.2, 0.2, 0.6, 0.6]
HALF = [0.2, 0.2, 0.6, 0.4]  # IoU 0.5 with BOX.
AWAY = [0.7, 0.7, 0.9, 0.9]


def arrays(present, boxes, scores, **weights):
    count = len(present)
    y_true = {
        "det": np.array(present),
        "box": np.tile(np.array(BOX), (count, 1)),
    }
    y_pred = {"det": np.array(scores)[:, None], "box": np.array(boxes)}
    weight = {
        "det": np.ones(count),
        "box": np.array(present, "float32"),
        **{name: np.array(w) for name, w in weights.items()},
    }
    return y_true, y_pred, weight


def ap(*args, iou=0.5, **weights):
    metric = metrics.AveragePrecision(iou=iou)
    return metric.result(*arrays(*args, **weights), "box")


def ranked(found, objects, scores):
    """The docstring's sum, walking down the ranking; for distinct scores."""
    hits, area = 0, 0.0
    for rank, index in enumerate(np.argsort(-np.array(scores)), start=1):
        if found[index]:
            hits += 1
            area += hits / rank / objects
    return area


def test_reads_the_tasks_it_needs():
    metric = metrics.AveragePrecision()
    assert metric.reads("box") == ("box", "det")
    metric = metrics.AveragePrecision(score="seen", classes="kind")
    assert metric.reads("place") == ("place", "seen", "kind")


@pytest.mark.parametrize(
    "iou, name", [(0.5, "ap50"), (0.75, "ap75"), (0.55, "ap55")]
)
def test_name_tells_the_overlap(iou, name):
    assert metrics.AveragePrecision(iou=iou).name == name


@pytest.mark.parametrize(
    "present, boxes, scores, expected",
    [
        # All found, objects first.
        ([1, 1, 0], [BOX, BOX, BOX], [0.9, 0.8, 0.1], 1.0),
        # An empty image is the surest: precision 1/2, then 2/3.
        ([1, 1, 0], [BOX, BOX, BOX], [0.8, 0.7, 0.9], (1 / 2 + 2 / 3) / 2),
        # The surest box is beside its object: one of two found, at rank 2.
        ([1, 1], [AWAY, BOX], [0.9, 0.8], 1 / 4),
        # One of two never found, the other first.
        ([1, 1], [BOX, AWAY], [0.9, 0.8], 1 / 2),
        # Nothing found.
        ([1, 1], [AWAY, AWAY], [0.9, 0.8], 0.0),
        # All equally sure: precision of the whole set at every recall.
        ([1, 0], [BOX, BOX], [0.5, 0.5], 1 / 2),
    ],
)
def test_values_worked_by_hand(present, boxes, scores, expected):
    assert ap(present, boxes, scores) == pytest.approx(expected)


def test_overlap_of_exactly_the_threshold_is_right():
    boxes = [[0.25, 0.25, 0.5, 0.375]]
    y_true, y_pred, weight = arrays([1], boxes, [0.9])
    y_true["box"] = np.array([[0.25, 0.25, 0.5, 0.5]])
    metric = metrics.AveragePrecision()
    assert metric.result(y_true, y_pred, weight, "box") == 1.0
    metric = metrics.AveragePrecision(iou=0.51)
    assert metric.result(y_true, y_pred, weight, "box") == 0.0


def test_higher_overlap_is_harder():
    assert ap([1], [HALF], [0.9], iou=0.4) == 1.0
    assert ap([1], [HALF], [0.9], iou=0.6) == 0.0


def test_equals_a_walk_down_the_ranking():
    true, pred, has_box = streams.boxes(300)
    rng = np.random.default_rng(1)
    present = rng.integers(0, 2, 300)
    scores = rng.permutation(300) / 300
    labelled = (rng.random(300) < 0.8).astype("float32")
    y_true = {"det": present, "box": true}
    y_pred = {"det": scores[:, None], "box": pred}
    weight = {"det": labelled, "box": has_box}
    received = metrics.AveragePrecision().result(y_true, y_pred, weight, "box")
    kept = (labelled > 0) & ((present == 0) | (has_box > 0))
    overlap = [
        streams.iou_by_hand(a, b) for a, b in zip(true, pred, strict=True)
    ]
    found = (present == 1) & (np.array(overlap) >= 0.5)
    expected = ranked(found[kept], present[kept].sum(), scores[kept])
    assert received == pytest.approx(expected)


def test_image_without_a_presence_label_is_left_out():
    received = ap([1, 1, 0], [AWAY, BOX, BOX], [0.9, 0.8, 0.1], det=[0, 1, 1])
    assert received == 1.0


@pytest.mark.parametrize(
    "weight",
    [[0, 1, 0], [[0] * 4, [1] * 4, [0] * 4], [[1, 0, 1, 1], [1] * 4, [1] * 4]],
)
def test_object_without_a_box_label_is_left_out(weight):
    received = ap([1, 1, 0], [AWAY, BOX, BOX], [0.9, 0.8, 0.1], box=weight)
    assert received == 1.0


def test_class_must_be_right_as_well():
    y_true, y_pred, weight = arrays([1, 1], [BOX, BOX], [0.9, 0.8])
    y_true["cls"] = np.array([0, 1])
    y_pred["cls"] = np.array([[0.9, 0.1], [0.9, 0.1]])
    weight["cls"] = np.ones(2)
    metric = metrics.AveragePrecision(classes="cls")
    received = metric.result(y_true, y_pred, weight, "box")
    assert received == pytest.approx(1 / 2)
    weight["cls"] = np.array([1, 0])
    assert metric.result(y_true, y_pred, weight, "box") == 1.0


@pytest.mark.parametrize(
    "present, scores, weights",
    [
        ([0, 0], [0.5, 0.5], {}),
        ([1, 0], [0.5, 0.5], {"box": [0, 0]}),
        ([1, 0], [0.5, 0.5], {"det": [0, 0]}),
        ([1, 0], [np.nan, 0.5], {}),
        ([], [], {"box": np.zeros((0,))}),
    ],
)
def test_undefined_is_nan(present, scores, weights):
    boxes = np.tile(np.array(BOX), (len(present), 1))
    assert np.isnan(ap(present, boxes, scores, **weights))


def test_missing_score_task_is_named():
    y_true, y_pred, weight = arrays([1], [BOX], [0.9])
    metric = metrics.AveragePrecision(score="dett")
    with pytest.raises(ValueError, match="'dett'.*Did you mean 'det'"):
        metric.result(y_true, y_pred, weight, "box")
