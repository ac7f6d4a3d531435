import numpy as np
import pytest

from mtl_keras import plots


def test_near_is_brighter_than_far():
    depth = np.linspace(1, 9, 200).reshape(10, 20)
    colours = plots.depth_colours(depth).astype(int).sum(axis=-1)
    assert (np.diff(colours.reshape(-1)) <= 6).all()
    assert colours[0, 0] > colours[-1, -1] + 200


def test_pixels_without_a_depth_are_black():
    depth = np.ones((3, 4))
    depth[1, 2] = np.nan
    colours = plots.depth_colours(depth)
    is_black = (colours == 0).all(axis=-1)
    np.testing.assert_array_equal(is_black, np.isnan(depth))
    assert (plots.depth_colours(np.full((2, 2), np.nan)) == 0).all()


def test_axes_are_red_green_and_blue():
    normals = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, -1], [np.nan, 0, 0]]])
    expected = [[[255, 128, 128], [128, 255, 128], [128, 128, 0], [0, 0, 0]]]
    np.testing.assert_array_equal(plots.normal_colours(normals), expected)


@pytest.mark.parametrize(
    ("draw", "shape"),
    [(plots.depth_colours, (2, 3, 1)), (plots.normal_colours, (2, 3))],
)
def test_another_shape_is_refused(draw, shape):
    with pytest.raises(ValueError, match="must have the shape"):
        draw(np.zeros(shape))
