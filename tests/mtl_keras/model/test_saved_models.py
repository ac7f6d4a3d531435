"""Files that version 0.1.0 saved still load, predict and train on the same.

Each `.keras` file in `saved/` was written after one epoch of two batches; the
`.npz` beside it holds the predictions at that moment, and the weights and logs
after one more epoch of the loaded model.
"""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import serialization
from tests import test_case as case

SAVED = pathlib.Path(__file__).with_name("saved")
NAMES = sorted(path.stem for path in SAVED.glob("*.keras"))
# Processors differ in the last bits of a matrix product; on the machine that
# wrote the files the difference is 0.
CLOSE = {"rtol": 2e-6, "atol": 2e-7}


def sentences():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 11, (12, 5)).astype("int32")
    x[3:6, 3:] = 0
    y = rng.integers(0, 3, (12, 5)).astype("int32")
    y[3:6, 3:] = -1
    return x, {"slot": y}


def vectors():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 6)).astype("float32")
    low = rng.uniform(0, 0.4, (12, 2))
    high = low + rng.uniform(0.1, 0.5, (12, 2))
    box = np.concatenate([low, high], axis=1).astype("float32")
    box[::4] = np.nan
    cls = rng.integers(0, 3, 12).astype("int32")
    cls[1] = -1
    det = (x[:, 0] > 0).astype("float32")
    return x, {"cls": cls, "det": det, "box": box}


def differences(name):
    """The largest absolute difference of each array from the saved one."""
    x, y = sentences() if name == "tagging" else vectors()
    model = keras.models.load_model(SAVED / f"{name}.keras")
    received = {
        f"prediction_{task}": values
        for task, values in model.predict(x, verbose=0).items()
    }
    model.fit(x, y, batch_size=6, epochs=1, shuffle=False, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    received.update({f"log_{key}": value for key, value in logs.items()})
    for index, weight in enumerate(model.get_weights()):
        received[f"weight_{index:02d}"] = weight
    return received, dict(np.load(SAVED / f"{name}.npz"))


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="the figures were written on TensorFlow, whose dropout differs",
)
@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_predicts_and_trains_on_as_before(name):
    received, expected = differences(name)
    assert received.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(
            received[key], value, err_msg=f"{name}: {key}", **CLOSE
        )


def test_saved_weights_load_into_a_loaded_model():
    model = keras.models.load_model(SAVED / "gradnorm.keras")
    expected = model.get_weights()
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    model.load_weights(SAVED / "gradnorm.weights.h5")
    for received, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(received, wanted)


def test_a_saved_checkpoint_is_restored():
    model = keras.models.load_model(SAVED / "gradnorm.keras")
    expected = [case.to_numpy(v) for v in model.variables]
    for variable in model.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    path = SAVED / "gradnorm.checkpoint.npz"
    progress = mtl_keras.checkpoint.restore(model, path)
    assert progress["num_epochs"] == 1
    for received, wanted in zip(model.variables, expected, strict=True):
        np.testing.assert_array_equal(case.to_numpy(received), wanted)


@pytest.mark.parametrize(
    "imports",
    [
        "import mtl_keras, keras",
        "import keras, mtl_keras",
        "import mtl_keras.losses, keras",
    ],
)
def test_importing_the_library_is_enough_to_load(imports):
    code = (
        f"{imports}\n"
        f"model = keras.models.load_model({str(SAVED / 'cagrad.keras')!r})\n"
        "print(type(model).__name__, type(model.balancer).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["MultiTaskModel", "CAGrad"]


@pytest.mark.parametrize("package", ["mtl_keras", "zoo"])
def test_every_registered_class_is_known_beforehand(package):
    import zoo.text.layers
    import zoo.vision.applications  # noqa: F401

    root = pathlib.Path(sys.modules[package].__file__).parent
    count = sum(
        path.read_text(encoding="utf-8").count(
            "@keras.saving.register_keras_serializable("
        )
        for path in root.rglob("*.py")
    )
    stand_ins = serialization.registered(package)
    assert len(stand_ins) == count
    for key, stand_in in stand_ins.items():
        real = stand_in._imported()
        assert keras.saving.get_registered_object(key) is real
