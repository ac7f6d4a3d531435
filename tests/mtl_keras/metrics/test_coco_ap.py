"""Average precision by COCO, against a computation of its definition here."""

import json
import sys

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task, metrics

ROWS, COLUMNS, CLASSES = 6, 6, 2
NOTHING = [0.0, 0.0, 0.0, 0.0, -1.0]


def rows_of(*objects, size=4):
    return np.array([*objects, *[NOTHING] * (size - len(objects))], "float32")


def maps_of(*objects):
    """Maps with a peak for each `(score, x1, y1, x2, y2, class)`."""
    maps = np.zeros((ROWS, COLUMNS, CLASSES + 4), "float32")
    for score, *box, number in objects:
        row = int((box[1] + box[3]) / 2 * ROWS)
        column = int((box[0] + box[2]) / 2 * COLUMNS)
        maps[row, column, number] = score
        maps[row, column, CLASSES:] = box
    return maps


def ap_of(labels, maps, weight=None, iou=0.5):
    pytest.importorskip("pycocotools", reason="needs the extra coco")
    weight = np.ones(len(labels)) if weight is None else np.asarray(weight)
    return metrics.CocoAP(iou).result(
        {"boxes": np.stack(labels)},
        {"boxes": np.stack(maps)},
        {"boxes": weight},
        "boxes",
    )


# 101 numbers of 1 have a mean a little below.
ALL = pytest.approx(1.0)
A, B = [0.0, 0.0, 0.3, 0.3], [0.6, 0.6, 1.0, 1.0]


def test_all_found_is_1_and_nothing_found_is_0():
    labels = [rows_of([*A, 0], [*B, 1]), rows_of()]
    assert (
        ap_of(labels, [maps_of((0.9, *A, 0), (0.3, *B, 1)), maps_of()]) == ALL
    )
    assert ap_of(labels, [maps_of(), maps_of()]) == 0
    # The right boxes of the wrong classes.
    assert ap_of(labels, [maps_of((0.9, *A, 1), (0.3, *B, 0)), maps_of()]) == 0


def test_is_the_area_under_the_envelope_at_101_recalls():
    # One class; ranked: right, wrong, right; three objects.
    labels = [rows_of([*A, 0], [*B, 0]), rows_of([*A, 0])]
    maps = [
        maps_of((0.9, *A, 0), (0.5, 0.7, 0.0, 1.0, 0.3, 0), (0.4, *B, 0)),
        maps_of(),
    ]
    # Precision 1 up to a recall of 1/3, then 2/3 up to 2/3: 34 and 33 of the
    # 101 levels 0, 0.01, ..., 1.
    expected = (34 * 1 + 33 * 2 / 3) / 101
    assert ap_of(labels, maps) == pytest.approx(expected, abs=1e-6)


def test_classes_count_alike_and_absent_ones_do_not():
    one = rows_of([*A, 0])
    assert ap_of([one], [maps_of((0.9, *A, 0), (0.8, *B, 1))]) == ALL
    both = [rows_of([*A, 0]), rows_of([*A, 0]), rows_of([*B, 1])]
    maps = [maps_of((0.9, *A, 0)), maps_of((0.9, *A, 0)), maps_of()]
    assert ap_of(both, maps) == pytest.approx(0.5)


def test_overlap_decides_by_the_threshold():
    # 0.3 x 0.2 of 0.3 x 0.3: an overlap of 2 / 3.
    labels, maps = [rows_of([*A, 0])], [maps_of((0.9, 0.0, 0.0, 0.3, 0.2, 0))]
    assert ap_of(labels, maps, iou=0.6) == ALL
    assert ap_of(labels, maps, iou=0.7) == 0
    # 0.50, 0.55, 0.60 and 0.65 of ten thresholds.
    assert ap_of(labels, maps, iou=None) == pytest.approx(0.4)


def test_images_without_a_label_are_left_out():
    labels = [rows_of([*A, 0]), rows_of([*A, 0])]
    maps = [maps_of((0.9, *A, 0)), maps_of((0.95, *B, 0))]
    assert ap_of(labels, maps) < 0.9
    assert ap_of(labels, maps, weight=[1, 0]) == ALL
    by_element = np.ones((2, 4, 5))
    by_element[1] = 0
    assert ap_of(labels, maps, weight=by_element) == ALL
    assert np.isnan(ap_of(labels, maps, weight=[0, 0]))
    assert np.isnan(ap_of([rows_of()], [maps_of((0.9, *A, 0))]))


def test_names_and_config():
    assert metrics.get("coco_ap").name == "ap50"
    assert metrics.CocoAP(None).name == "ap"
    metric = metrics.CocoAP(0.75)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    again = keras.saving.deserialize_keras_object(config)
    assert (again.name, again.iou) == ("ap75", 0.75)


def test_maps_of_a_wrong_shape_are_explained():
    with pytest.raises(ValueError, match="labels of shape .examples, objects"):
        ap_of([rows_of([*A, 0])[:, :4]], [maps_of()])


def test_without_pycocotools_compile_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    features = keras.Input((2, 2, 3), name="features")
    task = Task("boxes", "detection", num_classes=2)
    model = MultiTaskModel(
        features, {"boxes": task.head.build(features, task)}, tasks=[task]
    )
    with pytest.raises(ImportError, match=r"pip install 'mtl-keras\[coco\]'"):
        model.compile("sgd")
    model.compile("sgd", metrics={"boxes": []})
