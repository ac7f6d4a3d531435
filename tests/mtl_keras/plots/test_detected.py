"""Detected objects are compared with the true ones and drawn."""

import numpy as np
import pytest
from PIL import Image

from mtl_keras import Task, plots
from mtl_keras.plots import annotations, detected

TASK = Task("boxes", "detection", class_names=("apple", "pear"))
LEFT, RIGHT = [0.0, 0.25, 0.4, 0.75], [0.5, 0.25, 1.0, 0.75]
NOTHING = [0.0, 0.0, 0.0, 0.0, -1.0]


def _maps(*objects):
    maps = np.zeros((1, 8, 8, 6), "float32")
    for score, number, box in objects:
        row = int((box[1] + box[3]) * 4)
        column = int((box[0] + box[2]) * 4)
        maps[0, row, column, number] = score
        maps[0, row, column, 2:] = box
    return maps


def _annotated(maps, rows, sizes=None):
    labels = None if rows is None else np.array([rows], "float32")
    objects = detected.Detections(TASK, maps, labels, sizes, (80, 80))
    return objects.add_to(annotations.Annotation([], []), 0)


def test_each_object_is_right_wrong_or_missed():
    maps = _maps((0.9, 0, LEFT), (0.6, 1, RIGHT), (0.2, 1, LEFT))
    rows = [[*LEFT, 0], [*RIGHT, 0], NOTHING]
    shown = _annotated(maps, rows)
    assert [box.task for box in shown.boxes] == [
        *("apple 0.90", "pear 0.60"),
        "apple",
    ]
    assert [box.is_right for box in shown.boxes] == [True, False, None]
    right, wrong, missed = shown.boxes
    np.testing.assert_allclose(right.true, LEFT)
    assert wrong.true is None and missed.predicted is None
    np.testing.assert_allclose(missed.true, RIGHT)
    assert [remark.text for remark in shown.remarks] == ["1 apple, 1 pear"]
    assert shown.is_right is False


@pytest.mark.parametrize(
    ("maps", "rows", "is_right"),
    [
        (_maps((0.9, 0, LEFT)), [[*LEFT, 0], NOTHING], True),
        (_maps((0.9, 0, LEFT)), None, None),
        (_maps((0.9, 0, LEFT)), [[np.nan] * 5], None),
        (_maps((0.9, 0, LEFT)), [NOTHING], False),
        (_maps(), [[*LEFT, 0]], False),
        (_maps(), [NOTHING], True),
    ],
)
def test_the_verdict_on_an_image(maps, rows, is_right):
    assert _annotated(maps, rows).is_right is is_right


def test_padding_is_cut_away():
    # 20 x 40 pixels are the middle half of the canvas's rows.
    maps = _maps((0.9, 0, LEFT))
    shown = _annotated(maps, [[*LEFT, 0]], sizes=[(20, 40)])
    np.testing.assert_allclose(shown.boxes[0].predicted, [0, 0, 0.4, 1])
    np.testing.assert_allclose(shown.boxes[0].true, [0, 0, 0.4, 1])


def test_a_grid_shows_the_objects(tmp_path):
    images = np.full((1, 80, 80, 3), 255, "uint8")
    drawn = []
    for maps in (_maps(), _maps((0.9, 0, RIGHT))):
        path = plots.predictions(
            images,
            [TASK],
            {"boxes": maps},
            tmp_path / "grid.png",
            labels={"boxes": np.array([[[*RIGHT, 0]]])},
        )
        with Image.open(path) as image:
            drawn.append(np.asarray(image.convert("RGB")).astype(int))
    green = [(image[..., 1] > image[..., 0] + 80).sum() for image in drawn]
    assert green[0] == 0 and green[1] > 100


def test_labels_of_other_images_are_refused():
    with pytest.raises(ValueError, match="must be of 1 images"):
        detected.Detections(TASK, _maps(), np.zeros((2, 1, 5)), None, (8, 8))
