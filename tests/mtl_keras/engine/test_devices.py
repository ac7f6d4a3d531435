"""Two devices of JAX train like one, with missing labels."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests import backend_process

ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="once is enough: it always runs JAX",
)
def test_two_devices_agree_with_one():
    pytest.importorskip("jax")
    result = subprocess.run(
        [sys.executable, "-m", "tests.mtl_keras.engine.devices"],
        cwd=ROOT,
        env=backend_process.environment("jax", num_devices=2),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["devices"] == [1, 2]
    assert found["weights"] < 1e-5
    assert found["logs"].keys() == found["logs_of_two"].keys()
    for key, value in found["logs"].items():
        np.testing.assert_allclose(
            found["logs_of_two"][key], value, rtol=1e-5, atol=1e-6, err_msg=key
        )
