"""Every method: backends agree after some steps, and one with two replicas."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from mtl_keras import balancing
from tests import backend_process

ROOT = pathlib.Path(__file__).parents[3]

# A learned weighting and one that reads the gradients' lengths: beside cagrad,
# their last batch has 6 rows, 3 a replica. JAX compiles a step for each size
# of a batch, so all others have full ones.
UNEVEN = ["uncertainty", "gradnorm"]
ALL = balancing.list_balancers()


def run(folder, rows, backend, replicas):
    folder.mkdir()
    command = [sys.executable, "-m", "tests.mtl_keras.engine.agreement"]
    subprocess.run(
        [*command, folder, replicas, *(f"{k}={v}" for k, v in rows.items())],
        env=backend_process.environment(backend),
        cwd=ROOT,
        check=True,
        timeout=1200,
        capture_output=True,
    )
    results = []
    for number in replicas.split(","):
        with np.load(folder / f"{number}.npz") as file:
            results.append({key: file[key] for key in file.files})
    return results


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert one
    for key, value in one.items():
        scale = max(1.0, np.abs(value).max(initial=0.0))
        np.testing.assert_allclose(
            other[key] / scale, value / scale, rtol=0, atol=1e-5, err_msg=key
        )


def assert_agreement(folder, rows):
    one, two = run(folder / "tensorflow", rows, "tensorflow", "1,2")
    (jax,) = run(folder / "jax", rows, "jax", "1")
    assert_same(one, jax)
    assert_same(one, two)


def test_cagrad_agrees(tmp_path):
    assert_agreement(tmp_path, {"cagrad": 70})


@pytest.mark.long
@pytest.mark.slow
def test_every_other_method_agrees(tmp_path):
    rows = {name: 70 if name in UNEVEN else 64 for name in ALL}
    del rows["cagrad"]
    assert_agreement(tmp_path, rows)
