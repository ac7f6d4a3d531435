"""What `seg_depth_normal` builds, beyond what every entry is tested for."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import data as mtl_data
from mtl_keras import graph
from zoo.commands.predict import images
from zoo.vision import seg_depth_normal

_ENTRY = seg_depth_normal.SegDepthNormal()
_SPEC = _ENTRY.spec("scenes")
_TINY = {"width": 0.25, "image_height": 32, "image_width": 48}
_NINE = {
    "segmentation": {"iou", "accuracy"},
    "depth": {"mae", "abs_rel"},
    "normals": {
        "angular_error",
        "median_angle",
        "within_11",
        "within_22",
        "within_30",
    },
}


def _build(tasks=None, **overrides):
    spec = _ENTRY.spec("scenes", tasks)
    return _ENTRY.build(spec, **{**_TINY, **overrides})


def test_each_pixel_has_a_class_a_depth_and_a_direction():
    model = _build()
    image = np.random.default_rng(0).uniform(size=(2, 32, 48, 3))
    outputs = model.predict({"image": image.astype("f4")}, verbose=0)
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {
        "segmentation": (2, 32, 48, 7),
        "depth": (2, 32, 48, 1),
        "normals": (2, 32, 48, 3),
    }
    assert outputs["depth"].min() > 0
    np.testing.assert_allclose(
        np.linalg.norm(outputs["normals"], axis=-1), 1, atol=1e-5
    )


def test_the_nine_metrics_of_nyuv2_are_measured():
    for task in _ENTRY.tasks(_SPEC):
        names = {metric.name for metric in task.default_metrics()}
        assert names == _NINE[task.name]


def test_encoder_and_decoder_are_shared():
    parts = graph.partition(_build())
    owners = {v.path.split("_")[0] for v in parts.shared_variables}
    assert owners == {"trunk"}
    for name in _SPEC.tasks:
        paths = [v.path for v in parts.task_variables[name]]
        assert paths and all(path.startswith(name) for path in paths)


@pytest.mark.parametrize("sharing", ["mtan", "cross_stitch"])
def test_other_architectures_share_the_same_stages(sharing):
    model = _build(sharing=sharing)
    assert model.output["depth"].shape == (None, 32, 48, 1)
    parts = graph.partition(model)
    assert parts.shared_variables
    assert model.count_params() > _build().count_params()


def test_the_finest_map_reaches_the_output_past_the_encoder():
    # Without skip connections a pixel would move nothing but through a map of
    # 2 x 3 places.
    model = _build()
    layer = model.get_layer("trunk_skip0")
    (first, second) = layer.input
    assert first.shape == second.shape == (None, 16, 24, 8)
    sources = {tensor._keras_history.operation.name for tensor in layer.input}
    assert "trunk_half_relu" in sources


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ("normal",)}, "Did you mean 'normals'"),
        ({"image_height": 40}, "`image_height` must be a multiple of 16"),
        ({"image_width": 0}, "`image_width` must be an integer of at least 16"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"width": 0}, "`width` must be"),
        ({"sharing": "mtam"}, "Did you mean 'mtan'"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        _build(**arguments)
    assert "Received" in str(error.value)


def test_pixels_outside_are_missing():
    mask = np.array([[[0], [255]], [[6], [1]]], "uint8")
    element = {
        "image": tf.zeros((2, 2, 3), tf.uint8),
        "segmentation": tf.io.encode_png(mask),
        "depth": tf.constant([[1.0, np.nan], [2.0, 3.0]]),
        "normals": tf.zeros((2, 2, 3)),
    }
    inputs, labels = _ENTRY.example(_SPEC)(element)
    assert set(inputs) == {"image"} and set(labels) == set(_SPEC.tasks)
    np.testing.assert_array_equal(labels["segmentation"], [[0, -1], [6, 1]])
    tasks = {task.name: task for task in _ENTRY.tasks(_SPEC)}
    present = tasks["depth"].label.present(labels["depth"].numpy())
    np.testing.assert_array_equal(present, [[True, False], [True, True]])


def test_labels_lie_on_the_canvas_where_the_image_does():
    # A wide image on a canvas of 4:6: rows above and below are missing.
    preprocessor = mtl_data.ImagePreprocessor(4, 6, 3)
    tasks = {task.name: task for task in _ENTRY.tasks(_SPEC)}
    depth = np.arange(1, 25, dtype="f4").reshape(2, 12)
    labels = {
        "segmentation": np.ones((2, 12), "i4"),
        "depth": depth,
        "normals": np.repeat(depth[..., None], 3, axis=-1),
    }
    image = np.zeros((2, 12, 3), "f4")
    _, context = preprocessor({"image": tf.constant(image)})
    placed = preprocessor.place_labels(
        {name: tf.constant(value) for name, value in labels.items()},
        context,
        tasks,
    )
    is_image = placed["segmentation"].numpy() >= 0
    assert is_image.sum(axis=1).tolist() == [0, 6, 0, 0]
    known = tasks["depth"].label.present(placed["depth"].numpy())
    np.testing.assert_array_equal(known, is_image)
    known = np.isfinite(placed["normals"].numpy()).all(axis=-1)
    np.testing.assert_array_equal(known, is_image)
    columns = placed["depth"].numpy()[1]
    assert np.isin(columns, depth).all() and (np.diff(columns) == 2).all()
    np.testing.assert_array_equal(placed["normals"].numpy()[1, :, 0], columns)


def test_mirrored_scenes_have_mirrored_labels():
    rng = np.random.default_rng(0)
    depth = rng.uniform(1, 5, (16, 4, 6)).astype("f4")
    normals = rng.normal(size=(16, 4, 6, 3)).astype("f4")
    image = np.repeat(depth[..., None], 3, axis=-1) / 5
    labels = {
        "segmentation": tf.constant(depth.astype("i4")),
        "depth": tf.constant(depth),
        "normals": tf.constant(normals),
    }
    flip = _ENTRY.augmentation(_SPEC).steps[-1]
    changed, moved = flip(
        {"image": tf.constant(image)}, labels, seed=tf.constant([1, 2], "int64")
    )
    flips = (moved["depth"].numpy() != depth).any(axis=(1, 2))
    assert 0 < flips.sum() < 16
    np.testing.assert_allclose(
        5 * changed["image"].numpy()[..., 0], moved["depth"], rtol=1e-6
    )
    np.testing.assert_array_equal(
        moved["segmentation"], moved["depth"].numpy().astype("i4")
    )
    mirrored = normals[flips][:, :, ::-1] * [-1, 1, 1]
    np.testing.assert_allclose(moved["normals"].numpy()[flips], mirrored)
    np.testing.assert_array_equal(
        moved["normals"].numpy()[~flips], normals[~flips]
    )


def test_predictions_have_the_size_of_each_original():
    decoder = mtl_data.AnswerDecoder(_ENTRY.tasks(_SPEC), 4, 6)
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(2, 4, 6, 3)).astype("f4")
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    outputs = {
        "segmentation": rng.uniform(size=(2, 4, 6, 7)).astype("f4"),
        "depth": rng.uniform(1, 5, (2, 4, 6, 1)).astype("f4"),
        "normals": normals,
    }
    context = {"size": np.array([[8, 12], [4, 12]], "i4")}
    decoded = decoder(outputs, context)
    assert decoded["segmentation_classes"].shape == (2, 8, 12)
    distances = decoded["depth_distances"].numpy()
    directions = decoded["normals_directions"].numpy()
    assert distances.shape == (2, 8, 12)
    assert directions.shape == (2, 8, 12, 3)
    np.testing.assert_array_equal(
        distances[0], outputs["depth"][0, ..., 0].repeat(2, 0).repeat(2, 1)
    )
    # The second image is in the middle rows of its canvas.
    assert np.isnan(distances[1, 4:]).all()
    np.testing.assert_array_equal(
        distances[1, 0], outputs["depth"][1, 0 + 1, :, 0].repeat(2)
    )
    inside = np.isfinite(directions).all(axis=-1)
    np.testing.assert_array_equal(inside, np.isfinite(distances))
    np.testing.assert_allclose(
        np.linalg.norm(directions[inside], axis=-1), 1, atol=1e-6
    )
    alone = decoder(outputs)
    np.testing.assert_array_equal(
        alone["depth_distances"], outputs["depth"][..., 0]
    )


@pytest.mark.slow
def test_depths_and_normals_are_drawn_beside_the_mask(tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), "uint8")
    path = tmp_path / "room.png"
    path.write_bytes(tf.io.encode_png(pixels).numpy())
    model = _build()
    model.preprocessor = _ENTRY.preprocessor(
        _SPEC, image_height=32, image_width=48
    )
    model.postprocessor = _ENTRY.postprocessor(
        _SPEC, image_height=32, image_width=48
    )
    drawn = tmp_path / "drawn"
    images.predict(images.ask(model), model.tasks, [path], drawn)
    files = {file.name for file in drawn.iterdir()}
    assert files == {"room.predicted.png", "room.depth.png", "room.normals.png"}
    sizes = {
        tf.io.decode_png(file.read_bytes()).shape[:2]
        for file in drawn.iterdir()
    }
    assert sizes == {(180, 300)}
    line = capsys.readouterr().out.splitlines()[0]
    assert "depth 0." in line and " to " in line and "normals " in line
