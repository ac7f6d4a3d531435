"""TensorFlow and JAX end with the same weights and log the same figures."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests import backend_process
from tests.mtl_keras.engine.backends import CASES, tolerance

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("backends")
    arrays = {}
    for backend in ("tensorflow", "jax"):
        path = folder / f"{backend}.npz"
        result = subprocess.run(
            [sys.executable, "-m", "tests.mtl_keras.engine.backends", path],
            cwd=ROOT,
            env={
                **backend_process.environment(backend),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert result.returncode == 0, result.stderr
        with np.load(path) as file:
            arrays[backend] = dict(file)
    return arrays


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="one comparison is enough: it runs both backends",
)
@pytest.mark.long
@pytest.mark.slow
def test_steps_agree(ends, subtests):
    # One test: in several processes each would train all cases anew.
    for number, case in enumerate(CASES):
        with subtests.test(str(case)):
            ours = {
                backend: {
                    key: value
                    for key, value in arrays.items()
                    if key.startswith(f"{number}/")
                }
                for backend, arrays in ends.items()
            }
            assert ours["tensorflow"]
            assert ours["jax"].keys() == ours["tensorflow"].keys()
            close = tolerance(case[1])
            for key, expected in ours["tensorflow"].items():
                np.testing.assert_allclose(
                    ours["jax"][key],
                    expected,
                    rtol=close,
                    atol=close,
                    err_msg=key,
                )


def test_library_loads_no_tensorflow_on_jax():
    pytest.importorskip("jax")
    code = (
        "import sys, mtl_keras\n"
        "mtl_keras.MultiTaskModel, mtl_keras.balancing, mtl_keras.graph\n"
        "mtl_keras.extract, mtl_keras.transfer\n"
        "sys.exit('tensorflow' in sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=backend_process.environment("jax"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
