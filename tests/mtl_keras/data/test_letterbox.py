import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import letterbox

# Picture's height and width, canvas', then by hand: the picture's height and
# width on the canvas, and the rows above and columns left of it.
BY_HAND = [
    ((64, 64), (64, 64), (64, 64), (0, 0)),
    ((10, 20), (20, 20), (10, 20), (5, 0)),
    ((20, 10), (20, 20), (20, 10), (0, 5)),
    ((100, 200), (20, 20), (10, 20), (5, 0)),
    ((5, 5), (20, 40), (20, 20), (0, 10)),
    ((3, 7), (64, 64), (27, 64), (18, 0)),
    ((1, 30000), (64, 64), (1, 64), (31, 0)),
    ((30000, 1), (64, 64), (64, 1), (0, 31)),
]


@pytest.mark.parametrize(("size", "canvas", "placed", "offset"), BY_HAND)
def test_place_by_hand(size, canvas, placed, offset):
    found = letterbox.place(tf.constant(size), *canvas)
    np.testing.assert_array_equal(found[0], placed)
    np.testing.assert_array_equal(found[1], offset)


@pytest.mark.parametrize(("size", "canvas"), [case[:2] for case in BY_HAND])
def test_to_pixels_undoes_to_canvas(size, canvas):
    corners = np.sort(np.random.default_rng(0).uniform(size=(9, 2, 2)), axis=1)
    boxes = corners.reshape(9, 4).astype("float32")
    size = tf.constant([size] * 9)
    moved = letterbox.to_canvas(boxes, size, *canvas)
    assert np.min(moved) >= 0
    assert np.max(moved) <= 1 + 1e-6
    pixels = letterbox.to_pixels(moved, size, *canvas)
    extent = size.numpy()[:, [1, 0, 1, 0]]
    np.testing.assert_allclose(pixels / extent, boxes, atol=1e-4)


def test_a_box_lies_where_its_pixels_lie():
    picture = np.zeros((30, 90, 1), "float32")
    picture[6:18, 9:45] = 1
    canvas = letterbox.resize(tf.constant(picture), 60, 60).numpy()[..., 0]
    box = letterbox.to_canvas(
        [0.1, 0.2, 0.5, 0.6], tf.constant([30, 90]), 60, 60
    )
    x1, y1, x2, y2 = np.round(box.numpy() * 60).astype(int)
    inside = np.zeros((60, 60), bool)
    inside[y1:y2, x1:x2] = True
    np.testing.assert_array_equal(canvas > 0.5, inside)


def test_boxes_of_the_same_size_keep_their_bits_and_nan_stays():
    boxes = np.array([[0.1, 0.3, 0.7, 0.9], [np.nan] * 4], "float32")
    size = tf.constant([[64, 64]] * 2)
    np.testing.assert_array_equal(
        letterbox.to_canvas(boxes, size, 64, 64), boxes
    )


def test_boxes_outside_of_the_picture_are_cut_off():
    size = tf.constant([10, 20])
    pixels = letterbox.to_pixels([-0.5, 0.0, 1.5, 1.0], size, 20, 20)
    np.testing.assert_array_equal(pixels, [0, 0, 20, 10])


def test_resize_keeps_a_picture_of_the_canvas_size():
    picture = np.random.default_rng(0).uniform(size=(7, 5, 3))
    picture = tf.constant(picture, tf.float32)
    np.testing.assert_array_equal(letterbox.resize(picture, 7, 5), picture)


@pytest.mark.parametrize("size", [(3, 9), (40, 11), (1, 1), (64, 63)])
def test_resize_keeps_a_constant_picture_constant_and_pads_with_0(size):
    picture = tf.fill((*size, 1), 0.25)
    canvas = letterbox.resize(picture, 16, 16).numpy()
    placed, offset = letterbox.place(tf.constant(size), 16, 16)
    expected = np.zeros((16, 16, 1), "float32")
    top, left = offset.numpy()
    expected[top : top + placed[0], left : left + placed[1]] = 0.25
    np.testing.assert_allclose(canvas, expected, atol=1e-6)
