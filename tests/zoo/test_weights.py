"""Weights load whole or not at all, and say why not."""

import keras
import numpy as np
import pytest

import zoo
from mtl_keras import files
from tests.zoo import tiny_entry
from zoo import registry, weights


@pytest.fixture
def shipped(tiny, tmp_path, monkeypatch):
    """Registers weights `squares`, trained with width 6; returns the file."""
    model = zoo.load(tiny, "other_squares", width=6)
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    path = tmp_path / "tiny-squares.weights.h5"
    model.save_weights(path)
    facts = {
        "file": path.name,
        "sha256": files.sha256(path),
        "bytes": path.stat().st_size,
        "data": "other_squares",
        "overrides": {"width": 6},
        "licence": "CC0-1.0",
    }
    card = {**tiny_entry.card(), "weights": {"squares": facts}}
    registry.register(tiny, tiny_entry, card)
    return path


def _first_kernel(model):
    return keras.ops.convert_to_numpy(model.get_layer("conv0").kernel)


def test_named_weights_bring_data_and_overrides(tiny, shipped):
    model = zoo.load(tiny, weights="squares")
    again = zoo.load(tiny, weights=shipped, width=6)
    assert _first_kernel(model).shape[-1] == 6
    np.testing.assert_array_equal(_first_kernel(model), _first_kernel(again))


def test_whole_model_file(tiny, tmp_path):
    model = zoo.load(tiny)
    model.save(tmp_path / "model.keras")
    again = zoo.load(tiny, weights=tmp_path / "model.keras")
    np.testing.assert_array_equal(_first_kernel(model), _first_kernel(again))


def test_weights_of_a_compiled_model(tiny, tmp_path):
    model = zoo.load(tiny)
    model.compile("adam")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "model.weights.h5")
    again = zoo.load(tiny, weights=tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(_first_kernel(model), _first_kernel(again))


def test_flipped_byte(tiny, shipped):
    contents = bytearray(shipped.read_bytes())
    contents[len(contents) // 2] ^= 1
    shipped.write_bytes(contents)
    with pytest.raises(ValueError, match="'squares' are damaged.*sha256"):
        zoo.load(tiny, weights="squares")


def test_missing_file(tiny, shipped):
    shipped.unlink()
    with pytest.raises(ValueError, match="'squares' of .* are missing"):
        zoo.load(tiny, weights="squares")


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_truncated_file(tiny, tmp_path, ending, share):
    path = tmp_path / f"model{ending}"
    model = zoo.load(tiny)
    if ending == ".keras":
        model.save(path)
    else:
        model.save_weights(path)
    contents = path.read_bytes()
    path.write_bytes(contents[: int(share * len(contents))])
    with pytest.raises(ValueError, match="are damaged, or the file is not"):
        zoo.load(tiny, weights=path)


def test_file_of_something_else(tiny, tmp_path):
    path = tmp_path / "notes.weights.h5"
    path.write_text("Not weights at all.")
    with pytest.raises(ValueError, match="are damaged, or the file is not"):
        zoo.load(tiny, weights=path)


def test_other_overrides_than_the_weights(tiny, shipped):
    with pytest.raises(
        ValueError, match="do not fit.*data='other_squares' with width=6"
    ):
        zoo.load(tiny, weights="squares", width=5)


def test_misfit_names_the_layer_and_both_shapes(tiny, tmp_path):
    path = tmp_path / "model.weights.h5"
    zoo.load(tiny, width=4).save_weights(path)
    with pytest.raises(
        ValueError,
        match=r"layer 'conv0' .*shape \(3, 3, 1, 5\).*shape \(3, 3, 1, 4\)",
    ):
        zoo.load(tiny, weights=path, width=5)


@pytest.mark.parametrize(("stored", "built"), [(3, 2), (2, 3)])
def test_weights_of_a_deeper_or_shallower_model(tiny, tmp_path, stored, built):
    path = tmp_path / "model.weights.h5"
    zoo.load(tiny, depth=stored).save_weights(path)
    with pytest.raises(ValueError, match="do not fit this model"):
        zoo.load(tiny, weights=path, depth=built)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sqares", "Unknown weights.*Did you mean 'squares'"),
        ("nowhere/model.weights.h5", "no weights file"),
        ("model.h5", "ends in .weights.h5 or .keras"),
    ],
)
def test_weights_that_are_not_there(tiny, shipped, name, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(tiny, weights=name)
