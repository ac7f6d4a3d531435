"""What the tools print: a line an image, a table of metrics."""

import numpy as np
import pytest

from mtl_keras import Task
from zoo.commands import evaluate
from zoo.commands.predict import images

_TASKS = {
    "box": Task("box", "box"),
    "cls": Task("cls", "classification", class_names=("cat", "dog")),
    "det": Task("det", "presence"),
}


def _outputs(probability):
    return {
        "det": np.array([probability]),
        "det_present": np.bool_(probability >= 0.5),
        "cls_name": b"dog",
        "cls_score": np.float32(0.875),
        "box_pixels": np.array([1.2, 3.8, 20.0, 30.0]),
    }


def test_line_of_an_image_with_something():
    line = images.describe(_outputs(0.75), _TASKS)
    assert line == "det yes 0.75  box 1 4 20 30  cls dog 0.88"


def test_line_of_an_image_without_anything():
    assert images.describe(_outputs(0.25), _TASKS) == "det no 0.25"


def test_line_without_a_presence_task():
    tasks = {name: _TASKS[name] for name in ("box", "cls")}
    line = images.describe(_outputs(0.25), tasks)
    assert line == "box 1 4 20 30  cls dog 0.88"


@pytest.mark.parametrize("ending", [".png", ".JPG", ".jpeg", ".bmp", ".gif"])
def test_images_of_a_folder(tmp_path, ending):
    (tmp_path / f"b{ending}").touch()
    (tmp_path / f"a{ending}").touch()
    (tmp_path / "notes.txt").touch()
    paths = images.find_images([str(tmp_path)])
    assert [path.name for path in paths] == [f"a{ending}", f"b{ending}"]


def test_table_has_a_line_a_task():
    metrics = {
        "loss": 1.0,
        "cls_loss": 0.5,
        "cls_accuracy": 0.9,
        "det_loss": 0.25,
        "det_auc": float("nan"),
    }
    assert evaluate.table(metrics, ["cls", "det"]).splitlines() == [
        "       accuracy  auc    loss",
        "  cls    0.9000       0.5000",
        "  det            nan  0.2500",
    ]
