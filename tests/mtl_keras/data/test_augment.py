import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import augment

SEED = tf.constant([3, 5], tf.int64)
OTHER_SEED = tf.constant([3, 6], tf.int64)
SHIFT_ZOOM = augment.ShiftZoom(0.2, (0.7, 1.3), min_visible=0.0)
ALL = [
    SHIFT_ZOOM,
    augment.ShiftZoom(0.2),
    augment.Brightness(0.2, (0.5, 1.5)),
    augment.Noise(0.1),
    augment.Compose([augment.Flip(), SHIFT_ZOOM]),
    augment.Compose([SHIFT_ZOOM, augment.Noise(0.1)]),
]


def block(height=40, width=60, batch=6, channels=1):
    """A bright block, exactly in its box, on a dark picture."""
    image = np.zeros((batch, height, width, channels), "float32")
    image[:, 12:24, 15:36] = 1
    box = [15 / width, 12 / height, 36 / width, 24 / height]
    return image, {"box": np.tile(np.array(box, "float32"), (batch, 1))}


def random_pictures(batch=4, channels=3):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(batch, 9, 7, channels)).astype("float32")


@pytest.mark.parametrize("step", ALL)
def test_draws_depend_on_the_seed_only(step):
    image = random_pictures()
    first, _ = step({"image": image}, {}, seed=SEED)
    second, _ = step({"image": image}, {}, seed=SEED)
    other, _ = step({"image": image}, {}, seed=OTHER_SEED)
    np.testing.assert_array_equal(first["image"], second["image"])
    assert not np.array_equal(first["image"], other["image"])


@pytest.mark.parametrize("step", ALL)
def test_pictures_of_a_batch_are_changed_differently(step):
    image = np.repeat(random_pictures(batch=1), 3, axis=0)
    changed, _ = step(image, {}, seed=SEED)
    assert not np.array_equal(changed[0], changed[1])
    assert not np.array_equal(changed[1], changed[2])


@pytest.mark.parametrize("step", ALL)
def test_values_stay_from_0_to_1_and_shapes_stay(step):
    image = random_pictures()
    changed, _ = step(image, {}, seed=SEED)
    assert changed.shape == image.shape
    assert changed.dtype == tf.float32
    assert np.min(changed) >= 0
    assert np.max(changed) <= 1


@pytest.mark.parametrize("step", ALL)
def test_other_inputs_and_labels_are_left_alone(step):
    inputs = {"image": random_pictures(), "size": np.arange(4)}
    changed, labels = step(inputs, {"cls": np.arange(4)}, seed=SEED)
    np.testing.assert_array_equal(changed["size"], np.arange(4))
    np.testing.assert_array_equal(labels["cls"], np.arange(4))


def extent(picture):
    """The box of what is brighter than a half, by each axis' profile."""
    height, width = picture.shape[:2]
    column = picture[..., 0].max(axis=1)
    row = picture[..., 0].max(axis=0)

    def ends(profile):
        # An edge pixel that is half bright is half covered.
        first = np.argmax(profile > 0)
        last = len(profile) - 1 - np.argmax(profile[::-1] > 0)
        return first + 1 - profile[first], last + profile[last]

    (y1, y2), (x1, x2) = ends(column), ends(row)
    return [x1 / width, y1 / height, x2 / width, y2 / height]


@pytest.mark.parametrize("step", [SHIFT_ZOOM, augment.ShiftZoom(0.2)])
def test_boxes_move_with_what_they_hold(step):
    image, labels = block(batch=20)
    changed, moved = step(image, labels, seed=SEED)
    found = [extent(picture) for picture in changed.numpy()]
    # Linear resampling blurs an edge over one pixel of the source.
    np.testing.assert_allclose(moved["box"], found, atol=1.0 / 40)
    assert np.abs(moved["box"] - labels["box"]).max() > 0.1


def test_whole_pixels_are_shifted_exactly():
    image, labels = block()
    step = augment.ShiftZoom(0.25, min_visible=0.0)
    changed, moved = step(image, labels, seed=SEED)
    for picture, box in zip(changed.numpy(), moved["box"].numpy(), strict=True):
        x1, y1, x2, y2 = np.round(box * [60, 40, 60, 40]).astype(int)
        expected = np.zeros_like(picture)
        expected[y1:y2, x1:x2] = 1
        np.testing.assert_array_equal(picture, expected)


def test_nothing_to_move_changes_no_bit():
    image = random_pictures()
    changed, _ = augment.ShiftZoom(0.0, (1.0, 1.0))(image, {}, seed=SEED)
    np.testing.assert_array_equal(changed, image)


def test_missing_boxes_stay_missing_and_their_pictures_move():
    image, labels = block()
    labels["box"][:] = np.nan
    changed, moved = augment.ShiftZoom(0.2)(image, labels, seed=SEED)
    assert np.isnan(moved["box"]).all()
    assert not np.array_equal(changed, image)


def test_boxes_are_cut_off_at_the_edges():
    image, labels = block(batch=50)
    labels["box"][:] = [0.0, 0.0, 1.0, 1.0]
    _, moved = SHIFT_ZOOM(image, labels, seed=SEED)
    assert np.min(moved["box"]) >= 0
    assert np.max(moved["box"]) <= 1
    assert (moved["box"][:, 2:] >= moved["box"][:, :2]).numpy().all()


def test_a_picture_that_would_lose_its_object_stays_as_it_is():
    image, labels = block(batch=50)
    labels["box"][:] = [0.0, 0.4, 0.2, 0.6]
    step = augment.ShiftZoom(0.5, min_visible=0.9)
    changed, moved = step(image, labels, seed=SEED)
    is_same = (moved["box"] == labels["box"]).numpy().all(-1)
    assert is_same.any()
    assert not is_same.all()
    np.testing.assert_array_equal(changed[is_same], image[is_same])
    area = (moved["box"][:, 2] - moved["box"][:, 0]) * (
        moved["box"][:, 3] - moved["box"][:, 1]
    )
    assert np.min(area) >= 0.9 * 0.2 * 0.2 - 1e-6


def test_brightness_follows_its_formula():
    image = random_pictures() * 0.2 + 0.4
    changed, _ = augment.Brightness(0.1)(image, {}, seed=SEED)
    added = (changed - image).numpy()
    flat = added.reshape(len(added), -1)
    np.testing.assert_allclose(
        flat, np.repeat(flat[:, :1], flat.shape[1], axis=1), atol=1e-6
    )
    assert np.abs(flat).max() <= 0.1 + 1e-6
    changed, _ = augment.Brightness(0.0, (0.5, 0.5))(image, {}, seed=SEED)
    mean = image.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(changed, 0.5 * (image + mean), rtol=1e-5)


def test_noise_has_its_standard_deviation():
    image = np.full((8, 64, 64, 1), 0.5, "float32")
    changed, _ = augment.Noise(0.05)(image, {}, seed=SEED)
    # 32,768 draws: the standard error of the estimate is 0.0002.
    assert abs(float(np.std(changed)) - 0.05) < 0.001


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: augment.ShiftZoom(1.5), "`shift` must be"),
        (lambda: augment.ShiftZoom(0.1, (1.2, 0.8)), "low, high"),
        (lambda: augment.ShiftZoom(0.1, (0.0, 1.0)), "low, high"),
        (lambda: augment.ShiftZoom(0.1, boxes="box"), "sequence of names"),
        (lambda: augment.ShiftZoom(min_visible=2), "`min_visible` must be"),
        (lambda: augment.Brightness(-0.1), "`brightness` must be"),
        (lambda: augment.Noise(-1), "`stddev` must be"),
        (
            lambda: augment.Noise(0.1)({"picture": 0}, {}, seed=SEED),
            "Unknown input to augment: 'image'",
        ),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_flip_mirrors_about_half_of_the_images_and_their_boxes():
    image, labels = block(batch=64)
    labels["box"][::4] = np.nan
    changed, new = augment.Flip()(image, labels, seed=SEED)
    flipped = np.any(changed.numpy() != image, axis=(1, 2, 3))
    assert 20 < flipped.sum() < 44
    np.testing.assert_array_equal(
        changed.numpy()[flipped], image[flipped][:, :, ::-1]
    )
    # 15 to 36 of 60 columns, seen from the other side.
    mirrored = np.array([24 / 60, 12 / 40, 45 / 60, 24 / 40], "float32")
    expected = np.where(flipped[:, None], mirrored, labels["box"])
    expected[::4] = np.nan
    np.testing.assert_allclose(new["box"], expected, atol=1e-6)


def test_flip_names_a_wrong_argument():
    with pytest.raises(ValueError, match="Flip: `boxes` must be a sequence"):
        augment.Flip(boxes="box")
