"""What a training is said to have cost."""

import subprocess
import sys

import numpy as np
import pytest

from mtl_keras.profiling import cost

# The file alone: importing Keras takes seconds, and memory.
_MEASURED = """
import runpy, sys, types
keras = types.ModuleType("keras")
keras.callbacks = types.SimpleNamespace(Callback=object)
sys.modules["keras"] = keras
print(runpy.run_path(sys.argv[1])["peak_memory"]())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_the_parent_is_not_counted():
    # Where the parent has held more, `getrusage` would return that.
    np.ones(400_000_000, np.uint8)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, cost.__file__],
        capture_output=True,
        text=True,
        check=True,
    )
    assert 1e6 < int(done.stdout) < 2e8
