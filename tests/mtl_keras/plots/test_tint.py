import numpy as np
import pytest

from mtl_keras import plots


def test_classes_are_coloured_and_outlined():
    image = np.full((9, 12), 100, "uint8")
    classes = np.zeros((9, 12), int)
    classes[2:7, 3:9] = 1
    classes[0, 0], classes[8, 11] = 255, -1
    result = plots.tinted(image, classes)
    inside = np.zeros((9, 12), bool)
    inside[3:6, 4:8] = True
    outside = classes != 1
    np.testing.assert_array_equal(result[outside], 100)
    np.testing.assert_array_equal(result[~outside & ~inside], 255)
    # 45 per cent of #4477AA.
    expected = np.round(0.55 * 100 + 0.45 * np.array([0x44, 0x77, 0xAA]))
    np.testing.assert_array_equal(
        result[inside], np.tile(expected, (inside.sum(), 1))
    )


def test_neighbouring_classes_differ_in_colour():
    classes = np.repeat([[1] * 4 + [2] * 4], 4, axis=0)
    result = plots.tinted(np.zeros((4, 8, 3), "uint8"), classes)
    assert (result[:, 0] != result[:, 7]).any()


def test_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(4, 5\). Received: shape \(5, 4\)"):
        plots.tinted(np.zeros((4, 5)), np.zeros((5, 4), int))
