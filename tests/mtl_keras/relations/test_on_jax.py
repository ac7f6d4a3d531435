"""Gradients and affinities on JAX are those worked out by hand, too."""

import pathlib
import subprocess
import sys

import pytest

from tests import backend_process


@pytest.mark.slow
def test_values_on_jax():
    here = pathlib.Path(__file__).parent
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n0", "-p"),
            *("no:cacheprovider", str(here / "test_gradients.py")),
        ],
        env=backend_process.environment("jax"),
        cwd=here.parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and "skipped" not in done.stdout
