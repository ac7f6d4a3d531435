import numpy as np
import pytest

from mtl_keras.plots import annotations
from tests.mtl_keras.plots.scenes import (
    BOX,
    CLS,
    DET,
    TASKS,
    SceneTask,
    one_hot,
    scenes,
)


def annotate(tasks, predictions, labels=None):
    tasks = annotations.drawn_tasks(tasks)
    predicted = {
        name: np.asarray(value, float)[None]
        for name, value in predictions.items()
    }
    true = {
        name: np.asarray(value, float)[None]
        for name, value in (labels or {}).items()
    }
    return annotations.annotate(
        tasks,
        annotations.checked_predictions(predicted, tasks, 1),
        annotations.checked_labels(true, tasks, 1),
        0,
    )


def texts(shown):
    return [
        f"{remark.text} {remark.number}".strip() for remark in shown.remarks
    ]


PRESENT = {"cls": one_hot(7), "det": [0.9], "box": [0.0, 0.0, 0.5, 0.5]}
ABSENT = {**PRESENT, "det": [0.1]}


def test_right():
    labels = {"cls": 7, "det": 1, "box": [0.0, 0.0, 0.5, 1.0]}
    shown = annotate(TASKS, PRESENT, labels)
    # Half of the true box is covered: an IoU of exactly 0.5.
    assert texts(shown) == ["7 0.80", "det 0.90", "IoU 0.50"]
    assert shown.is_right is True
    assert shown.boxes[0].is_right is True


def test_wrong_class():
    shown = annotate(TASKS, PRESENT, {"cls": 3, "det": 1})
    assert texts(shown) == ["7 0.80", "true 3", "det 0.90"]
    assert shown.is_right is False
    assert shown.boxes[0].is_right is False


def test_right_class_in_a_wrong_place():
    labels = {"cls": 7, "det": 1, "box": [0.6, 0.6, 1.0, 1.0]}
    shown = annotate(TASKS, PRESENT, labels)
    assert texts(shown)[-1] == "IoU 0.00"
    assert shown.is_right is False
    # The colour of the box tells whether what is in it was named right.
    assert shown.boxes[0].is_right is True


def test_labels_unknown():
    labels = {"cls": -1, "det": np.nan, "box": [np.nan] * 4}
    for shown in (annotate(TASKS, PRESENT), annotate(TASKS, PRESENT, labels)):
        assert texts(shown) == ["7 0.80", "det 0.90"]
        assert shown.is_right is None
        assert shown.boxes[0].is_right is None
        assert shown.boxes[0].true is None


def test_none_is_right():
    shown = annotate(TASKS, ABSENT, {"cls": -1, "det": 0, "box": [np.nan] * 4})
    assert texts(shown) == ["none", "det 0.10"]
    assert shown.is_right is True
    assert shown.boxes[0].predicted is None


def test_object_is_missed():
    shown = annotate(TASKS, ABSENT, {"cls": 4, "det": 1, "box": [0, 0, 1, 1]})
    assert texts(shown) == ["none", "true 4", "det 0.10"]
    assert shown.is_right is False
    assert shown.boxes[0].predicted is None
    assert shown.boxes[0].true is not None


def test_object_is_invented():
    shown = annotate(TASKS, PRESENT, {"cls": -1, "det": 0})
    assert texts(shown) == ["7 0.80", "true none", "det 0.90"]
    assert shown.is_right is False
    assert shown.boxes[0].is_right is False


def test_only_presence():
    shown = annotate([DET], {"det": [0.8]}, {"det": 1})
    assert texts(shown) == ["present", "det 0.80"]
    assert shown.is_right is True


@pytest.mark.parametrize(("edge", "is_right"), [(0.5, True), (0.2, False)])
def test_only_a_box_is_judged_by_its_place(edge, is_right):
    shown = annotate([BOX], {"box": [0, 0, edge, 1]}, {"box": [0, 0, 1, 1]})
    assert texts(shown) == [f"IoU {edge:.2f}"]
    assert shown.is_right is shown.boxes[0].is_right is is_right


def test_two_presences_hide_nothing():
    other = SceneTask("lit", "presence")
    shown = annotate([*TASKS, other], {**ABSENT, "lit": [0.2]}, {"lit": 1})
    assert texts(shown) == ["7 0.80", "det 0.10", "lit 0.20"]
    assert shown.boxes[0].predicted is not None
    assert shown.is_right is False


def test_several_classes_and_boxes_carry_their_tasks_names():
    tasks = [
        CLS,
        SceneTask("size", "classification", ("small", "large")),
        SceneTask("left", "box"),
        SceneTask("right", "box"),
    ]
    box = [0.0, 0.0, 1.0, 1.0]
    predictions = {"cls": one_hot(1), "size": [0.3, 0.7]}
    predictions.update(left=box, right=box)
    shown = annotate(tasks, predictions, {"left": box, "right": box})
    assert texts(shown) == [
        "cls 1 0.80",
        "size large 0.70",
        "left IoU 1.00",
        "right IoU 1.00",
    ]


def test_classes_without_names_are_numbers():
    shown = annotate(
        [SceneTask("cls", "classification", num_classes=3)],
        {"cls": [0.1, 0.2, 0.7]},
    )
    assert texts(shown) == ["2 0.70"]


def test_not_a_number_is_wrong():
    predictions = {
        "cls": np.full(10, np.nan),
        "det": [0.9],
        "box": [np.nan] * 4,
    }
    shown = annotate(
        TASKS, predictions, {"cls": 2, "det": 1, "box": [0, 0, 1, 1]}
    )
    assert texts(shown) == ["nan", "true 2", "det 0.90"]
    assert shown.is_right is False
    assert shown.boxes[0].predicted is None


def test_a_box_turned_inside_out_overlaps_nothing():
    shown = annotate([BOX], {"box": [1, 1, 0, 0]}, {"box": [0, 0, 1, 1]})
    assert texts(shown) == ["IoU 0.00"]


def test_tasks_of_other_kinds_are_left_out():
    tasks = {"cls": CLS, "price": SceneTask("price", "regression")}
    assert annotations.drawn_tasks(tasks) == [CLS]


def test_a_missing_prediction_is_an_error():
    with pytest.raises(ValueError, match=r"lacks the task 'cls'.*'clss'"):
        annotations.checked_predictions({"clss": np.zeros((1, 10))}, [CLS], 1)


@pytest.mark.parametrize("task", TASKS)
def test_a_prediction_of_another_length_is_an_error(task):
    _, _, predictions = scenes(3)
    with pytest.raises(ValueError, match=rf"predictions\['{task.name}'\]"):
        annotations.checked_predictions(predictions, [task], 4)


@pytest.mark.parametrize("task", TASKS)
def test_labels_of_another_length_are_an_error(task):
    _, labels, _ = scenes(3)
    with pytest.raises(ValueError, match=rf"labels\['{task.name}'\]"):
        annotations.checked_labels(labels, [task], 4)


def test_labels_with_an_axis_of_one_are_the_same():
    flat = annotations.checked_labels({"cls": [1, 2]}, [CLS], 2)
    column = annotations.checked_labels({"cls": [[1], [2]]}, [CLS], 2)
    np.testing.assert_array_equal(flat["cls"], column["cls"])
