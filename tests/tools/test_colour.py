"""A model that reads gray says so where the images are in colour."""

import numpy as np
import pytest
from PIL import Image

from zoo.commands import colour


@pytest.mark.parametrize(
    ("model", "pixel", "is_told"),
    [
        ("cls_det_box", (200, 40, 40), True),
        # An RGB file of a gray image.
        ("cls_det_box", (90, 90, 90), False),
        ("cls_box_seg", (200, 40, 40), False),
    ],
)
def test_only_colour_that_would_be_lost_is_told(
    model, pixel, is_told, tmp_path
):
    (tmp_path / "apple").mkdir()
    (tmp_path / "apple" / "damaged.png").write_bytes(b"\x89PNG")
    pixels = np.full((20, 20, 3), pixel, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "apple" / "a.jpg")
    line = colour.note(model, tmp_path)
    assert (line is not None) == is_told
    if is_told:
        assert "--config.overrides.channels=3" in line and "\n" not in line
