"""Weights load whole or not at all, and say why not."""

import json
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

import zoo
from mtl_keras import files
from tests.zoo import tiny_entry
from zoo import registry, weights, weights_file


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
    # By its path too, which names no weights.
    with pytest.raises(ValueError, match="are damaged.*sha256"):
        zoo.load(tiny, weights=shipped, width=6)


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


def test_file_of_a_run_is_checked_by_the_report_beside_it(tiny, tmp_path):
    path = tmp_path / "model.weights.h5"
    zoo.load(tiny).save_weights(path)
    report = {"sha256": {path.name: files.sha256(path)}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    zoo.load(tiny, weights=path)
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    with pytest.raises(ValueError, match="are damaged. Expected .* sha256"):
        zoo.load(tiny, weights=path)


def _nan(file, name):
    file[name][...] = np.nan


def _external(file, name):
    shape = file[name].shape
    del file[name]
    storage = [("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
    file.create_dataset(name, shape, "uint8", external=storage)


def _external_link(file, name):
    del file[name]
    file[name] = h5py.ExternalLink("elsewhere.h5", "/x")


def _text(file, name):
    shape = file[name].shape
    del file[name]
    file[name] = np.full(shape, b"text", object)


def _group(file, name):
    del file[name]
    file.create_group(name).create_dataset("0", data=0.0)


def _compound(file, name):
    shape = file[name].shape
    del file[name]
    file[name] = np.zeros(shape, [("a", "f4"), ("b", "i4")])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_nan, "are refused. Received: NaN or infinity in '/layers/"),
        (_external, "are refused. Received: .*, stored in another file"),
        (_external_link, "are refused. Received: a link to elsewhere"),
        (_text, "do not fit|damaged"),
        (_group, "do not fit|damaged"),
        (_compound, "do not fit|damaged"),
    ],
)
def test_broken_internals_are_refused(tiny, tmp_path, damage, message):
    path = tmp_path / "model.weights.h5"
    zoo.load(tiny).save_weights(path)
    with h5py.File(path, "r+") as file:
        names = []
        file["layers"].visit(names.append)
        damage(file, f"layers/{next(n for n in names if n.endswith('/0'))}")
    with pytest.raises(ValueError, match=message):
        zoo.load(tiny, weights=path)


_BOMB = """
import resource, sys
from zoo import weights_file
limit = 1 << 30
# What the imports and the threads of NumPy reserve is not counted.
import h5py, numpy, pathlib
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + limit, used + limit))
for path in sys.argv[1:]:
    try:
        weights_file.num_variables(pathlib.Path(path), 100_000_000)
    except weights_file.RefusedError as error:
        print(error)
"""


@pytest.mark.slow
def test_bombs_are_refused_in_bounded_memory(tmp_path):
    declared = 6 * 2**30
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        file.create_dataset(
            "layers/a/vars/0", (declared // 4,), "float32", compression="gzip"
        )
    with (
        zipfile.ZipFile(tmp_path / "b.keras", "w", zipfile.ZIP_DEFLATED) as z,
        z.open("model.weights.h5", "w", force_zip64=True) as member,
    ):
        for _ in range(32):
            member.write(bytes(2**26))
    done = subprocess.run(
        [sys.executable, "-c", _BOMB, *sorted(map(str, tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert f"unpacks to {declared:,}" in lines[0]
    assert f"unpacks to {32 * 2**26:,}" in lines[1]


def test_halved_file_is_smaller_and_loads_nearly_the_same(tmp_path):
    def small():
        return keras.Sequential(
            [keras.Input((64,)), keras.layers.Dense(64, name="dense")]
        )

    model, path = small(), tmp_path / "model.weights.h5"
    model.save_weights(path)
    size = path.stat().st_size
    weights_file.halve(path)
    assert path.stat().st_size < size - 64 * 64
    again = small()
    again.load_weights(path)
    for old, new in zip(model.weights, again.weights, strict=True):
        assert new.dtype == "float32"
        # float16 has 11 significant bits.
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(new),
            keras.ops.convert_to_numpy(old),
            rtol=2**-11,
            atol=1e-7,
        )
    before = path.read_bytes()
    again.get_layer("dense").bias.assign(np.full(64, 1e5, "float32"))
    again.save_weights(path)
    with pytest.raises(ValueError, match="float16.*dense.*100000"):
        weights_file.halve(path)
    again.load_weights(path)
    assert path.read_bytes() != before
    assert len(list(tmp_path.iterdir())) == 1
