"""The rendered scenes: exact labels, and colours that do not give them away."""

import hashlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from zoo.datasets.scenes import names, scenes, shapes, textures

NUM_SCENES = 40
# Of class, depth and normals, rounded: another processor's sines may differ
# in the last digit.
SUMS = {
    ("train", 0): "a1ed8ddcfde6b96f",
    ("validation", 1): "c9920987d59640d1",
    ("test", 2): "f203e4324755f7f8",
}


@pytest.fixture(scope="module")
def test_scenes():
    return list(scenes.Composer("test").scenes(NUM_SCENES))


def checksum(scene):
    digest = hashlib.sha256(scene.segmentation.tobytes())
    for values in (scene.depth, scene.normals):
        rounded = np.round(100 * np.nan_to_num(values.astype("f8")))
        digest.update(rounded.astype("<i2").tobytes())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize(("split", "number"), SUMS)
def test_scenes_stay_what_they_are(split, number):
    scene = scenes.Composer(split).scene(number)
    assert checksum(scene) == SUMS[split, number]


def test_a_scene_depends_on_its_number_alone(test_scenes):
    again = scenes.Composer("test").scene(7)
    for field in ("image", "segmentation", "depth", "normals"):
        np.testing.assert_array_equal(
            getattr(again, field), getattr(test_scenes[7], field)
        )


def test_splits_have_scenes_and_textures_of_their_own():
    composers = [scenes.Composer(split) for split in scenes.SEEDS]
    colours = [
        {texture.colours.tobytes() for texture in composer.textures}
        for composer in composers
    ]
    assert len(set().union(*colours)) == sum(scenes.NUM_TEXTURES.values())
    first = {composer.scene(0).depth.tobytes() for composer in composers}
    assert len(first) == 3


def test_types_and_shapes(test_scenes):
    scene = test_scenes[0]
    assert (scene.image.shape, scene.image.dtype) == ((64, 80, 3), np.uint8)
    assert scene.segmentation.dtype == np.uint8
    assert (scene.depth.shape, scene.depth.dtype) == ((64, 80), np.float32)
    assert scene.normals.shape == (64, 80, 3)
    assert scene.normals.dtype == np.float32


def test_a_pixel_has_all_labels_or_none(test_scenes):
    fractions = []
    for scene in test_scenes:
        is_missing = scene.segmentation == names.MISSING
        np.testing.assert_array_equal(is_missing, np.isnan(scene.depth))
        np.testing.assert_array_equal(
            is_missing, np.isnan(scene.normals).all(axis=-1)
        )
        np.testing.assert_array_equal(
            is_missing, np.isnan(scene.normals).any(axis=-1)
        )
        fractions.append(is_missing.mean())
    assert 0.05 < np.mean(fractions) < 0.3


def test_labels_are_in_range(test_scenes):
    seen = np.unique(np.stack([scene.segmentation for scene in test_scenes]))
    assert set(seen) == {*range(len(names.CLASSES)), names.MISSING}
    depth = np.stack([scene.depth for scene in test_scenes])
    assert 0.3 < np.nanmin(depth) and np.nanmax(depth) <= scenes.FARTHEST
    normals = np.stack([scene.normals for scene in test_scenes])
    length = np.sqrt((normals**2).sum(axis=-1))
    np.testing.assert_allclose(length[np.isfinite(length)], 1, atol=1e-6)


def points_of(scene):
    """Places of pixels in the camera's coordinates, from depths alone."""
    rows, columns = np.indices(scene.depth.shape) + 0.5
    x = (columns - scenes.WIDTH / 2) / scenes.FOCAL * scene.depth
    y = -(rows - scenes.HEIGHT / 2) / scenes.FOCAL * scene.depth
    return np.stack([x, y, -scene.depth.astype("f8")], axis=-1)


def test_normals_are_those_of_the_depths(test_scenes):
    agrees = []
    for scene in test_scenes:
        points = points_of(scene)
        down = points[2:, 1:-1] - points[:-2, 1:-1]
        right = points[1:-1, 2:] - points[1:-1, :-2]
        computed = np.cross(-down, right)
        computed /= -np.linalg.norm(computed, axis=-1, keepdims=True)
        # Within one flat thing: both neighbours have the same class.
        same = scene.segmentation[1:-1, 1:-1] <= 1
        for part in (
            scene.segmentation[2:, 1:-1],
            scene.segmentation[:-2, 1:-1],
            scene.segmentation[1:-1, 2:],
            scene.segmentation[1:-1, :-2],
        ):
            same &= part == scene.segmentation[1:-1, 1:-1]
        cosine = (computed * scene.normals[1:-1, 1:-1]).sum(axis=-1)
        agrees.append(cosine[same] > 0.999)
    # Two walls meet in a corner, which has none.
    assert np.concatenate(agrees).mean() > 0.97


def test_surfaces_face_the_camera(test_scenes):
    for scene in test_scenes:
        facing = (scene.normals * points_of(scene)).sum(axis=-1)
        assert np.nanmax(facing) < 1e-4


def test_the_floor_is_flat_and_one_direction(test_scenes):
    for scene in test_scenes:
        floor = scene.normals[scene.segmentation == 0]
        if len(floor):
            np.testing.assert_allclose(floor, floor[:1] + 0 * floor, atol=1e-5)
            assert floor[0, 1] > 0.8


def _white(pattern="plain"):
    axes = np.eye(3)
    return textures.Texture(pattern, np.ones((2, 3)), axes, 0.5)


def test_a_sphere_throws_a_shadow_on_the_floor():
    eye = np.eye(3)
    camera = scenes.Camera(np.array([0.0, 2.0, 0.0]), eye[0], eye[1], eye[2])
    camera = scenes.Camera(camera.place, eye[0], eye[2], -eye[1])
    light = scenes.Light(
        np.array([0.0, 0.8, 0.6]), np.ones(3), 0.3, np.ones((2, 3))
    )
    floor = scenes.Thing("floor", scenes._floor(), _white())
    ball = scenes.Thing(
        "sphere", shapes.Sphere(np.array([0.0, 1.0, 0.0]), 0.2), _white()
    )
    alone = scenes.picture([floor], camera, light)
    np.testing.assert_allclose(alone, 0.3 + 0.7 * 0.8, atol=1e-9)
    seen = scenes.picture([floor, ball], camera, light)
    segmentation, _, _ = scenes.labels([floor, ball], camera)
    is_floor = segmentation == 0
    dark = is_floor & (seen[..., 0] < 0.31)
    rows, columns = np.nonzero(dark)
    # The camera looks down, z is up in the image: the light comes from there.
    depth = 2.0
    z = -(rows.mean() + 0.5 - scenes.HEIGHT / 2) / scenes.FOCAL * depth
    x = (columns.mean() + 0.5 - scenes.WIDTH / 2) / scenes.FOCAL * depth
    assert z == pytest.approx(-1.0 * 0.6 / 0.8, abs=0.06)
    assert x == pytest.approx(0.0, abs=0.03)
    assert (seen[is_floor & ~dark].min()) > 0.3


@pytest.mark.parametrize("pattern", textures.PATTERNS)
def test_textures_mix_their_two_colours(pattern):
    colours = np.array([[0.1, 0.5, 0.9], [0.6, 0.2, 0.3]])
    texture = textures.Texture(pattern, colours, np.eye(3), 0.5)
    points = np.random.default_rng(0).uniform(-2, 2, (3, 500))
    found = texture.colour(points)
    assert found.shape == (3, 500)
    low, high = colours.min(axis=0), colours.max(axis=0)
    assert (found >= low[:, None] - 1e-9).all()
    assert (found <= high[:, None] + 1e-9).all()
    assert (len(np.unique(found[0])) == 1) == (pattern == "plain")


@pytest.mark.slow
def test_colour_alone_does_not_tell_the_class():
    def pixels(split, count):
        features, labels = [], []
        random = np.random.default_rng(0)
        for scene in scenes.Composer(split).scenes(count):
            colours = scene.image.reshape(-1, 3) / 255.0
            classes = scene.segmentation.reshape(-1)
            for number in np.unique(classes[classes > 0]):
                rows = np.flatnonzero(classes == number)
                if number == names.MISSING:
                    continue
                chosen = random.choice(rows, 20)
                features.append(colours[chosen])
                labels.append(classes[chosen])
        features = np.concatenate(features)
        both = np.concatenate([features, features**2], axis=1)
        return both, np.concatenate(labels)

    model = LogisticRegression(max_iter=500, class_weight="balanced")
    model.fit(*pixels("train", 150))
    features, labels = pixels("test", 80)
    recall = [
        (model.predict(features)[labels == number] == number).mean()
        for number in range(1, len(names.CLASSES))
    ]
    # One in six is chance; shading tells a little.
    assert np.mean(recall) < 0.25
