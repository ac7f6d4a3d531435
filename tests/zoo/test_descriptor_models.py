"""Linear heads on descriptors solve what the descriptors show."""

import numpy as np
import pytest

import mtl_keras
from zoo import descriptor_models

TASKS = [
    mtl_keras.Task("side", "classification", num_classes=2),
    mtl_keras.Task("box", "box"),
]


def _split(count, seed):
    rng = np.random.default_rng(seed)
    side = rng.integers(0, 2, count)
    images = 0.1 * rng.uniform(size=(count, 32, 32, 1))
    boxes = np.zeros((count, 4), "float32")
    for image, box, right in zip(images, boxes, side, strict=True):
        left, top = (16 if right else 2), int(rng.integers(4, 16))
        image[top : top + 12, left : left + 12] = 1
        box[:] = np.array([left, top, left + 12, top + 12]) / 32
    return images.astype("float32"), {"side": side, "box": boxes}


@pytest.mark.slow
def test_hog_finds_a_square_and_its_side():
    pytest.importorskip("skimage")
    measured = descriptor_models.measure(
        "hog",
        TASKS,
        _split(45, 0),
        _split(20, 1),
        choices=[{"cell": 8, "components": 16, "decay": 0.01}],
    )
    assert measured.choice["cell"] == 8
    assert measured.test["side_accuracy"] > 0.9
    assert measured.test["box_iou"] > 0.6


def test_unknown_descriptors_and_kinds_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'sift'"):
        descriptor_models.check("shift", TASKS)
    with pytest.raises(ValueError, match="exist for single tasks.*'mask'"):
        mask = mtl_keras.Task("mask", "mask", num_classes=2)
        descriptor_models.check("hog", [mask])
