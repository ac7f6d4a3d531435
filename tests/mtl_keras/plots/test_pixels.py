import numpy as np
import pytest

from mtl_keras.plots import pixels


def test_floats_and_bytes_of_one_image_agree():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
    (from_bytes,) = pixels.to_rgb([image])
    (from_floats,) = pixels.to_rgb([image / 255])
    np.testing.assert_array_equal(from_bytes, image)
    np.testing.assert_array_equal(from_floats, image)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1)])
def test_grey_becomes_three_equal_channels(shape):
    (image,) = pixels.to_rgb([np.full(shape, 0.2, np.float32)])
    assert image.shape == (4, 5, 3)
    assert np.all(image == 51)


def test_floats_beyond_the_range_are_stretched_alike():
    dark, bright = pixels.to_rgb(
        [np.array([[-1.0, 0.0]]), np.array([[0.5, 1.0]])]
    )
    assert dark[0, :, 0].tolist() == [0, 128]
    assert bright[0, :, 0].tolist() == [191, 255]


def test_values_that_are_not_finite_are_drawn_dark_or_bright():
    (image,) = pixels.to_rgb([np.array([[np.nan, np.inf, -np.inf, 0.5]])])
    assert image[0, :, 0].tolist() == [0, 255, 0, 128]


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (1, 4, 4, 3), (0, 4, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(height, width\)"):
        pixels.to_rgb([np.zeros(shape)])


def test_other_types_are_refused():
    with pytest.raises(ValueError, match=r"uint8.*int64"):
        pixels.to_rgb([np.zeros((2, 2), np.int64)])


@pytest.mark.parametrize("size", [(30, 40), (401, 37), (64, 64), (1, 999)])
@pytest.mark.parametrize("canvas", [(64, 64), (48, 96)])
def test_letterbox_is_that_of_the_data(size, canvas):
    from mtl_keras.data import letterbox

    placed, offset = letterbox.place(size, *canvas)
    expected = (*offset.numpy(), *placed.numpy())
    assert pixels.letterboxed(size, *canvas) == expected
