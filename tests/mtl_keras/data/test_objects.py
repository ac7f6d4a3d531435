"""Lists of objects move with their image, and are counted anew."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import objects

SEED = tf.constant([3, 4], tf.int64)
SIDE, BATCH, MOST = 40, 24, 6


def _batch(num_objects=2):
    """Images with bright rectangles of one class each, and their lists."""
    rng = np.random.default_rng(0)
    images = np.zeros((BATCH, SIDE, SIDE, 2), "float32")
    rows = np.tile(np.array([0, 0, 0, 0, -1.0], "float32"), (BATCH, MOST, 1))
    for index in range(BATCH):
        for number in range(num_objects):
            # In halves, so that they do not overlap.
            x1 = rng.integers(2, 8) + number * SIDE // 2
            y1 = rng.integers(2, 20)
            x2, y2 = x1 + rng.integers(6, 10), y1 + rng.integers(6, 16)
            images[index, y1:y2, x1:x2, number] = 1
            box = np.array([x1, y1, x2, y2]) / SIDE
            rows[index, number] = [*box, number]
    labels = {
        "boxes": tf.constant(rows),
        "counts": objects.counts(tf.constant(rows), 2),
    }
    return {"image": tf.constant(images)}, labels


def _seen(channel):
    """The extent of what is bright, as fractions."""
    y, x = np.nonzero(channel > 0.5)
    box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    return np.array(box) / np.tile(channel.shape[::-1], 2)


@pytest.mark.parametrize(
    ("change", "pixels"),
    [
        (objects.Flip(), 0.01),
        (objects.ShiftZoom(shift=0.2, zoom=(0.8, 1.3), min_visible=0.0), 1.2),
    ],
    ids=["flip", "shift"],
)
def test_boxes_stay_around_what_they_are_around(change, pixels):
    inputs, labels = _batch()
    moved, changed = change(inputs, labels, SEED)
    assert (moved["image"].numpy() != inputs["image"].numpy()).any()
    num = 0
    pairs = zip(moved["image"].numpy(), changed["boxes"].numpy(), strict=True)
    for image, rows in pairs:
        for row in rows[rows[:, 4] >= 0]:
            seen = _seen(image[..., int(row[4])])
            np.testing.assert_allclose(row[:4], seen, atol=pixels / SIDE)
            num += 1
    assert num > BATCH


def test_objects_that_leave_the_image_are_dropped_and_not_counted():
    inputs, labels = _batch()
    change = objects.ShiftZoom(shift=0.6, min_visible=0.5)
    moved, changed = change(inputs, labels, SEED)
    kept = changed["boxes"].numpy()[:, :2, 4] >= 0
    before = (inputs["image"].numpy() > 0.5).sum((1, 2))
    visible = (moved["image"].numpy() > 0.5).sum((1, 2)) / before
    assert kept.any() and not kept.all()
    # Pixels are whole, boxes are not.
    clear = np.abs(visible - 0.5) > 0.15
    np.testing.assert_array_equal(kept[clear], visible[clear] > 0.5)
    np.testing.assert_array_equal(changed["counts"], kept)


def test_a_mosaic_has_the_objects_of_four_images():
    inputs, labels = _batch()
    moved, changed = objects.Mosaic(fraction=1.0)(inputs, labels, SEED)
    image = moved["image"].numpy()
    rows = changed["boxes"].numpy()
    # Two an image; the list has room for six.
    assert (rows[..., 4] >= 0).all()
    assert (changed["counts"].numpy().sum(-1) == MOST).all()
    for index in range(BATCH):
        for row in rows[index]:
            upper = SIDE // 2 * (row[1] >= 0.5)
            left = SIDE // 2 * (row[0] >= 0.5)
            quarter = image[
                index,
                int(upper) : int(upper) + SIDE // 2,
                int(left) : int(left) + SIDE // 2,
                int(row[4]),
            ]
            y, x = np.nonzero(quarter > 0.4)
            seen = np.array([left + x.min(), upper + y.min()]) / SIDE
            np.testing.assert_allclose(row[:2], seen, atol=1.01 / SIDE)


def test_no_mosaic_changes_nothing():
    inputs, labels = _batch()
    moved, changed = objects.Mosaic(fraction=0.0)(inputs, labels, SEED)
    np.testing.assert_array_equal(moved["image"], inputs["image"])
    np.testing.assert_array_equal(changed["boxes"], labels["boxes"])


@pytest.mark.parametrize(
    "change",
    [objects.Mosaic(), objects.Flip(), objects.ShiftZoom(shift=0.5)],
    ids=["mosaic", "flip", "shift"],
)
def test_missing_lists_stay_missing_and_known_numbers_known(change):
    inputs, labels = _batch()
    rows = labels["boxes"].numpy()
    rows[::2] = np.nan
    labels = {**labels, "boxes": tf.constant(rows)}
    _, changed = change(inputs, labels, SEED)
    received = changed["boxes"].numpy()
    np.testing.assert_array_equal(np.isnan(received), np.isnan(rows))
    np.testing.assert_array_equal(changed["counts"][::2], labels["counts"][::2])


def test_numbers_without_their_objects_are_refused():
    inputs, labels = _batch()
    with pytest.raises(ValueError, match="the objects are needed as well"):
        objects.Flip()(inputs, {"counts": labels["counts"]}, SEED)


def test_lists_are_filled_up_and_counted():
    rows = tf.constant([[0.1, 0.2, 0.3, 0.4, 2.0], [0.0, 0.0, 1.0, 1.0, 0.0]])
    padded = objects.padded(rows, 4).numpy()
    assert padded.shape == (4, 5)
    np.testing.assert_array_equal(padded[:2], rows)
    assert (padded[2:, 4] == -1).all()
    np.testing.assert_array_equal(objects.counts(padded, 3), [1, 0, 1])
    assert objects.padded(rows, 1).shape == (1, 5)
    assert objects.padded(rows[:0], 2).shape == (2, 5)
    gone = objects.padded(tf.fill((1, 5), np.nan), 3)
    assert np.isnan(gone).all() and np.isnan(objects.counts(gone, 3)).all()
