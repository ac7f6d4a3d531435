"""Every method: backends agree after some steps, and one with two replicas."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from mtl_keras import balancing

ROOT = pathlib.Path(__file__).parents[3]

# A learned weighting, one that reads the gradients' lengths, and one that
# combines them; the whole list takes minutes.
THREE = ["uncertainty", "gradnorm", "cagrad"]
ALL = balancing.list_balancers()


def run(folder, where, names, num_rows, replicas=1, backend="tensorflow"):
    path = folder / f"{where}.npz"
    command = [sys.executable, "-m", "tests.mtl_keras.engine.agreement"]
    subprocess.run(
        [*command, str(path), str(replicas), str(num_rows), *names],
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=ROOT,
        check=True,
        timeout=1200,
        capture_output=True,
    )
    with np.load(path) as file:
        return {key: file[key] for key in file.files}


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert one
    for key, value in one.items():
        scale = max(1.0, np.abs(value).max(initial=0.0))
        np.testing.assert_allclose(
            other[key] / scale, value / scale, rtol=0, atol=1e-5, err_msg=key
        )


def assert_agreement(folder, names, num_rows):
    one = run(folder, "one", names, num_rows)
    jax = run(folder, "jax", names, num_rows, backend="jax")
    assert_same(one, jax)
    assert_same(one, run(folder, "two", names, num_rows, replicas=2))


def test_three_methods_agree(tmp_path):
    # The last batch has 6 rows, 3 a replica.
    assert_agreement(tmp_path, THREE, num_rows=70)


@pytest.mark.slow
def test_every_method_agrees(tmp_path):
    # JAX compiles a step for each size of a batch: here all have 16 rows.
    names = [name for name in ALL if name not in THREE]
    assert_agreement(tmp_path, names, num_rows=64)
