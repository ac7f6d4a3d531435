"""Masks move with their images: through the letterbox and augmentation."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import Task, data
from mtl_keras.data import augment, letterbox

SEED = tf.constant([3, 5], tf.int64)
TASKS = (
    Task("area", "mask", class_names=("ground", "pet")),
    Task("box", "box"),
)


def picture(height, width, top, left, bottom, right):
    """A bright block on a dark image, its mask and its box."""
    image = np.zeros((height, width, 3), "uint8")
    image[top:bottom, left:right] = 255
    mask = (image[..., 0] > 0).astype("int32")
    box = np.array([left / width, top / height, right / width, bottom / height])
    return image, mask, box.astype("float32")


@pytest.mark.parametrize("size", [(40, 80), (33, 17), (7, 9), (64, 64)])
def test_mask_lies_on_the_canvas_as_its_image(size):
    height, width = size
    image, mask, _ = picture(
        height, width, height // 4, width // 3, height // 2, width // 3 * 2
    )
    canvas = letterbox.resize(tf.constant(image), 32, 32).numpy()[..., 0] / 255
    moved = letterbox.mask_to_canvas(mask, size, 32, 32).numpy()
    (rows, columns), (top, left) = (
        part.numpy() for part in letterbox.place(tf.constant(size), 32, 32)
    )
    inside = np.zeros((32, 32), bool)
    inside[top : top + rows, left : left + columns] = True
    np.testing.assert_array_equal(moved >= 0, inside)
    # Where the resized image is clearly bright or dark.
    np.testing.assert_array_equal(moved[canvas > 0.6], 1)
    np.testing.assert_array_equal(moved[inside & (canvas < 0.4)], 0)


@pytest.mark.parametrize("size", [(40, 80), (31, 10), (5, 6)])
def test_mask_there_and_back_is_the_same(size):
    # Twice as fine as the image: no pixel is lost.
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 3, size)
    side = 2 * max(size)
    canvas = letterbox.mask_to_canvas(mask, size, side, side)
    back = letterbox.mask_to_pixels(canvas[None], [size], 255)
    np.testing.assert_array_equal(back[0], mask)


def test_mask_of_another_size_is_refused():
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Expected a mask of the image's"
    ):
        letterbox.mask_to_canvas(np.zeros((4, 5)), (5, 4), 8, 8)


@pytest.mark.parametrize("cache", [True, "preprocessed"])
def test_masks_of_any_size_become_batches(cache):
    examples = [picture(40, 80, 12, 20, 28, 60), picture(50, 30, 0, 0, 25, 30)]

    def generate():
        for image, mask, box in examples:
            yield {"image": image}, {"area": mask, "box": box}

    source = tf.data.Dataset.from_generator(
        generate,
        output_signature=(
            {"image": tf.TensorSpec((None, None, 3), tf.uint8)},
            {
                "area": tf.TensorSpec((None, None), tf.int32),
                "box": tf.TensorSpec((4,), tf.float32),
            },
        ),
    )
    batches = data.pipeline(
        source,
        TASKS,
        preprocessor=data.ImagePreprocessor(20, 20, 3),
        cache=cache,
        augment=augment.ShiftZoom(masks=("area",)),
        batch_size=2,
    )
    ((inputs, labels, weights),) = batches.as_numpy_iterator()
    assert labels["area"].shape == (2, 20, 20)
    bright = inputs["image"][..., 0] > 0.5
    np.testing.assert_array_equal(labels["area"] == 1, bright)
    np.testing.assert_array_equal(weights["area"], [1, 1])
    # The padding of an image twice as wide as high is no ground.
    assert (labels["area"][0, :5] == -1).all()


def batch(num=64, side=48):
    image, mask, box = picture(side, side, 12, 15, 24, 36)
    images = np.tile(image[None, ..., :1] / np.float32(255), (num, 1, 1, 1))
    labels = {
        "area": tf.constant(np.tile(mask[None], (num, 1, 1))),
        "box": tf.constant(np.tile(box, (num, 1))),
    }
    return tf.constant(images), labels


@pytest.mark.parametrize(
    "step",
    [
        augment.ShiftZoom(0.3, masks=["area"], min_visible=0.0),
        augment.ShiftZoom(0.2, (0.6, 1.5), masks=["area"], min_visible=0.0),
        augment.ShiftZoom(0.2, (0.6, 1.5), masks=["area"], min_visible=1.0),
        augment.Flip(masks=["area"]),
    ],
)
def test_masks_move_with_the_pixels(step):
    images, labels = batch()
    changed, moved = step(images, labels, seed=SEED)
    assert (moved["area"].numpy() != labels["area"].numpy()).any()
    pixels, mask = changed.numpy()[..., 0], moved["area"].numpy()
    np.testing.assert_array_equal(mask[pixels > 0.6], 1)
    # At a corner of the block, half a pixel in both directions is a quarter.
    assert (mask[pixels < 0.2] < 1).all()


def test_what_enters_the_image_has_no_label():
    images, labels = batch()
    step = augment.ShiftZoom(0.3, masks=["area"], min_visible=0.0)
    changed, moved = step(tf.ones_like(images), labels, seed=SEED)
    # Pixels from outside are 0, of an image of ones.
    outside = changed.numpy()[..., 0] == 0
    assert outside.any()
    np.testing.assert_array_equal(moved["area"].numpy() == -1, outside)


def test_coarser_masks_move_by_the_same_fraction():
    images, labels = batch(num=20)
    coarse = {"area": labels["area"][:, ::2, ::2]}
    step = augment.ShiftZoom(0.25, (0.7, 1.4), masks=["area"], boxes=())
    _, fine = step(images, {"area": labels["area"]}, seed=SEED)
    _, moved = step(images, coarse, seed=SEED)
    for small, large in zip(moved["area"], fine["area"], strict=True):
        difference = tf.cast(small == 1, tf.float32) - tf.reduce_max(
            tf.cast(tf.reshape(large == 1, (24, 2, 24, 2)), tf.float32), (1, 3)
        )
        # Borders alone.
        assert np.abs(difference).mean() < 0.08


def test_a_name_in_place_of_names_is_refused():
    with pytest.raises(ValueError, match=r"Write masks=\['area'\]"):
        augment.Flip(masks="area")
