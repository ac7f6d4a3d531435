"""Two replicas train like one device, with missing labels."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[3]

# All read the results of one process, which trains each case twice.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow",
        reason="tf.distribute is TensorFlow's",
    ),
]


@pytest.fixture(scope="module")
def found():
    result = subprocess.run(
        [sys.executable, "-m", "tests.mtl_keras.engine.replicas"],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["replicas"] == 2
    return found


@pytest.mark.parametrize(
    "name",
    [
        "momentum",
        "adam",
        "clipnorm",
        "clipvalue",
        "parts",
        "overflow",
        "group",
        "group_cagrad",
    ],
)
def test_two_replicas_agree_with_one_device(name, found):
    result = found[name]
    assert result["moved"] > 1e-3
    assert result["weights"] < 1e-5
    assert result["logs"].keys() == result["logs_of_two"].keys()
    for key, value in result["logs"].items():
        np.testing.assert_allclose(
            result["logs_of_two"][key],
            value,
            rtol=1e-5,
            atol=1e-6,
            err_msg=key,
        )


def test_fit_refuses_what_replicas_cannot_take(found):
    assert found["refusal"].startswith(
        "`steps_per_execution` must be 1 on 2 replicas of MirroredStrategy"
    )


def test_nan_on_one_replica_raises_with_the_number_of_its_step(found):
    assert "gradient of the trunk" in found["nonfinite"]
    assert "in step 3 of epoch 1" in found["nonfinite"]
