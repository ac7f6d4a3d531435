"""Files that version 0.1.0 saved still load, predict and train alike.

Each `.keras` file in `saved/` was written after one epoch of two batches; the
`.npz` beside it holds the predictions at that moment, and the weights and logs
after one more epoch of the loaded model.
"""

import functools
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import mtl_keras
from tests import backend_process
from tests import test_case as case

SAVED = pathlib.Path(__file__).with_name("saved")
NAMES = sorted(path.stem for path in SAVED.glob("*.keras"))
# The others take as long again.
FIRST = ("cagrad", "per_part", "static", "tagging", "uncertainty")
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


@functools.cache
def loaded(name):
    """A model, loaded once for all tests, and the values of its variables."""
    model = keras.models.load_model(SAVED / f"{name}.keras")
    return model, [case.to_numpy(variable) for variable in model.variables]


def assert_has_values(variables, expected):
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_array_equal(case.to_numpy(variable), value)


def set_to_zero(variables):
    for variable in variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))


def test_saved_weights_load_into_a_loaded_model():
    model, values = loaded("gradnorm")
    set_to_zero(model.weights)
    model.load_weights(SAVED / "gradnorm.weights.h5")
    assert_has_values(model.variables, values)


def test_a_saved_checkpoint_is_restored():
    model, values = loaded("gradnorm")
    set_to_zero(model.variables)
    path = SAVED / "gradnorm.checkpoint.npz"
    progress = mtl_keras.checkpoint.restore(model, path)
    assert progress["num_epochs"] == 1
    assert_has_values(model.variables, values)


@pytest.mark.sampled
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="the figures were written on TensorFlow, whose dropout differs",
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=() if n in FIRST else pytest.mark.slow)
        for n in NAMES
    ],
)
def test_a_saved_model_predicts_and_trains_on_as_before(name):
    x, y = sentences() if name == "tagging" else vectors()
    model, values = loaded(name)
    assert_has_values(model.variables, values)
    received = {
        f"prediction_{task}": case.to_numpy(prediction)
        for task, prediction in model(x, training=False).items()
    }
    model.fit(x, y, batch_size=6, epochs=1, shuffle=False, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    received.update({f"log_{key}": value for key, value in logs.items()})
    for index, weight in enumerate(model.get_weights()):
        received[f"weight_{index:02d}"] = weight
    loaded.cache_clear()  # The model is no longer as it was saved.
    expected = dict(np.load(SAVED / f"{name}.npz"))
    assert received.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(
            received[key], value, err_msg=f"{name}: {key}", **CLOSE
        )


@pytest.mark.sampled
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_importing_the_library_is_enough_to_load(backend):
    code = (
        "import mtl_keras, keras\n"
        f"model = keras.models.load_model({str(SAVED / 'cagrad.keras')!r})\n"
        "print(type(model).__name__, type(model.balancer).__name__)\n"
        "print(keras.backend.backend())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=backend_process.environment(backend),
    )
    assert done.stdout.split() == ["MultiTaskModel", "CAGrad", backend]
