"""What `detect_count` builds, beyond what every entry is tested for."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.commands.predict import images
from zoo.vision import detect_count

_ENTRY = detect_count.DetectCount()
_SPEC = _ENTRY.spec("fruit")
_TINY = {"width": 0.25, "image_size": 48}


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("fruit", tasks), **overrides)


def _photograph(height, width, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), "uint8")
    return tf.io.encode_png(pixels).numpy()


def _element():
    return {
        "image": tf.zeros((30, 40, 3), tf.uint8),
        "objects": {
            "box": tf.constant([[0.1, 0.2, 0.5, 0.6], [0.5, 0.5, 0.9, 1.0]]),
            "kind": tf.constant([2, 2], tf.int64),
        },
        "file": "orange_1",
    }


def test_outputs_are_maps_and_numbers():
    image = {"image": np.zeros((2, 48, 48, 3), "float32")}
    outputs = _build(**_TINY).predict(image, verbose=0)
    assert {k: v.shape for k, v in outputs.items()} == {
        "boxes": (2, 6, 6, 7),
        "counts": (2, 3),
    }


@pytest.mark.parametrize("tasks", [("boxes",), ("counts",)])
def test_a_task_alone_has_no_other_head(tasks):
    model = _build(tasks, **_TINY)
    assert list(model.tasks) == list(tasks)
    (other,) = {"boxes", "counts"} - {*tasks}
    assert not any(layer.name.startswith(other) for layer in model.layers)


def test_lists_of_objects_become_labels():
    inputs, labels = _ENTRY.example(_SPEC)(_element())
    assert set(inputs) == {"image"} and set(labels) == {"boxes", "counts"}
    rows = labels["boxes"].numpy()
    np.testing.assert_allclose(rows[1], [0.5, 0.5, 0.9, 1.0, 2])
    assert (rows[2:, 4] == -1).all()
    np.testing.assert_array_equal(labels["counts"], [0, 0, 2])
    _, labels = _ENTRY.example(_ENTRY.spec("fruit", "counts"))(_element())
    assert set(labels) == {"counts"}


def test_augmentation_counts_what_is_left():
    _, labels = _ENTRY.example(_SPEC)(_element())
    batch = {k: tf.repeat(v[None], 8, axis=0) for k, v in labels.items()}
    image = {"image": tf.random.stateless_uniform((8, 48, 48, 3), [1, 2])}
    seed = tf.constant([1, 2], tf.int64)
    _, moved = _ENTRY.augmentation(_SPEC)(image, dict(batch), seed=seed)
    rows = moved["boxes"].numpy()
    counted = [(rows[..., 4] == number).sum(1) for number in range(3)]
    np.testing.assert_array_equal(moved["counts"], np.stack(counted, -1))
    assert len(set(moved["counts"].numpy()[:, 2])) > 1
    alone = _ENTRY.spec("fruit", "counts")
    numbers = {"counts": batch["counts"]}
    _, kept = _ENTRY.augmentation(alone)(image, dict(numbers), seed=seed)
    np.testing.assert_array_equal(kept["counts"], numbers["counts"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 16}, "`image_size` must be an integer of at least 32"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"trunk": "plain"}, "`trunk` must be 'small', 'eff"),
        ({"trunk": "efficientnet_lite"}, "mean 'efficientnet_lite0'"),
        (
            {"trunk": "efficientnet_lite0", "width": 0.25},
            "`width` has no effect on the trunk 'efficientnet_lite0'",
        ),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        _build(**arguments)
    assert "Received" in str(error.value)


def test_tasks_of_different_classes_are_refused():
    classes = {"boxes": ("apple", "pear"), "counts": ("pear", "apple")}
    spec = zoo.Spec("fruit", ("boxes", "counts"), classes)
    with pytest.raises(ValueError, match="the same classes in the same order"):
        _ENTRY.build(spec, **_TINY)


def _with_an_orange(model, files):
    """Decoded outputs, as if each image had one orange at its centre."""
    prepared = [model.preprocessor(tf.constant(file)) for file in files]
    batch = np.stack([inputs["image"] for inputs, _ in prepared])
    outputs = dict(model.predict({"image": batch}, verbose=0))
    outputs["boxes"] = np.zeros_like(outputs["boxes"])
    outputs["boxes"][:, 3, 3, 2] = 0.9
    outputs["boxes"][:, 3, 3, 3:] = [0.25, 0.375, 0.75, 0.625]
    outputs["counts"] = np.array([[0.2, 0.4, 1.3]] * len(files), "float32")
    context = {"size": np.stack([context["size"] for _, context in prepared])}
    outputs.update(model.postprocessor(outputs, context))
    return {key: np.asarray(value) for key, value in outputs.items()}


def test_predictions_are_drawn_in_the_original_pixels(tmp_path, capsys):
    model = _build(**_TINY)
    model.preprocessor = _ENTRY.preprocessor(_SPEC, image_size=48)
    model.postprocessor = _ENTRY.postprocessor(_SPEC, image_size=48)
    path = tmp_path / "wide.png"
    path.write_bytes(_photograph(100, 200))
    images.predict(
        lambda files: _with_an_orange(model, files),
        model.tasks,
        [path],
        tmp_path,
    )
    # The image is the middle half of the canvas's rows.
    line = capsys.readouterr().out.splitlines()[0]
    assert line.endswith("boxes orange 0.90 50 25 150 75  counts 1 orange")
    drawn = tf.io.decode_png((tmp_path / "wide.predicted.png").read_bytes())
    plain = np.kron(
        tf.io.decode_png(path.read_bytes()).numpy(), np.ones((2, 2, 1))
    )
    changed = (drawn.numpy()[..., :3] != plain).any(-1)
    # The line of the box, enlarged twice, and its tag above.
    assert changed[50:150, 99:102].all(0).any()
    assert not changed[60:140, 110:290].any()


def test_an_image_without_objects_says_none():
    model = _build(**_TINY)
    outputs = {
        "boxes_present": np.zeros(100, bool),
        "boxes_name": np.full(100, b""),
        "counts": np.array([0.4, 0.0, -0.2]),
    }
    assert images.describe(outputs, model.tasks) == "boxes none  counts none"


def _coco(folder, num=24):
    """A folder in COCO's layout; every fourth image has no object."""
    rng = np.random.default_rng(0)
    content = {"images": [], "annotations": []}
    content["categories"] = [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}]
    for number in range(num):
        (folder / f"{number}.png").write_bytes(_photograph(30, 40, number))
        content["images"].append({"id": number, "file_name": f"{number}.png"})
        for k in range(number % 4):
            x, y = rng.integers(0, 20), rng.integers(0, 10)
            content["annotations"].append(
                {
                    "id": len(content["annotations"]),
                    "image_id": number,
                    "category_id": 7 if k else 9,
                    "bbox": [int(x), int(y), 20, 20],
                }
            )
    (folder / "labels.json").write_text(json.dumps(content))
    return content


@pytest.mark.slow
def test_own_folder_trains_with_its_own_classes(tmp_path):
    pytest.importorskip("pycocotools", reason="needs the extra coco")
    folder = tmp_path / "own"
    folder.mkdir()
    content = _coco(folder)
    arguments = {"data_dir": tmp_path / "prepared", **_TINY}
    model = zoo.load("detect_count", str(folder), **arguments)
    assert model.tasks["boxes"].class_names == ("cat", "dog")
    assert model.output["counts"].shape == (None, 2)
    rows, numbers = [], []
    for split in ("train", "validation", "test"):
        dataset = zoo.dataset(
            "detect_count",
            split,
            data=str(folder),
            batch_size=4,
            training=False,
            **arguments,
        )
        for _, labels, _ in dataset:
            rows.append(labels["boxes"].numpy())
            numbers.append(labels["counts"].numpy())
    rows, numbers = np.concatenate(rows), np.concatenate(numbers)
    assert len(rows) == len(content["images"])
    assert (rows[..., 4] >= 0).sum() == len(content["annotations"])
    for number in (0, 1):
        np.testing.assert_array_equal(
            (rows[..., 4] == number).sum(1), numbers[:, number]
        )
    model.compile(keras.optimizers.SGD(0.01))
    history = model.fit(dataset, verbose=0).history
    assert np.isfinite(history["loss"]).all()
