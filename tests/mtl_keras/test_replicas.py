"""Two replicas train like one device, with missing labels."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="tf.distribute is TensorFlow's",
)
def test_two_replicas_agree_with_one_device():
    result = subprocess.run(
        [sys.executable, "-m", "tests.mtl_keras.replicas"],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["replicas"] == 2
    assert found["weights"] < 1e-5
    assert found["logs"].keys() == found["logs_of_two"].keys()
    for key, value in found["logs"].items():
        np.testing.assert_allclose(
            found["logs_of_two"][key], value, rtol=1e-5, atol=1e-6, err_msg=key
        )
