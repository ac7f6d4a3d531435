"""Two workers, each a process, train like one process."""

import os
import pathlib
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[3]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow",
        reason="MultiWorkerMirroredStrategy is TensorFlow's",
    ),
]


def free_ports(count):
    """Ports that nothing listens on; both are open at the same time."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """What one process and each of two workers ended with."""
    folder = tmp_path_factory.mktemp("workers")
    ports = free_ports(2)
    calls = {
        "one": [],
        "first": ["0", *ports],
        "second": ["1", *ports],
    }
    processes = {
        name: subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.mtl_keras.engine.workers"),
                *(str(folder / f"{name}.npz"), *arguments),
            ],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, arguments in calls.items()
    }
    try:
        for name, process in processes.items():
            _, errors = process.communicate(timeout=600)
            assert process.returncode == 0, f"{name}: {errors[-3000:]}"
    finally:
        for process in processes.values():
            process.kill()
    return {name: dict(np.load(folder / f"{name}.npz")) for name in calls}


@pytest.mark.parametrize("balancer", ["equal", "uncertainty", "cagrad"])
@pytest.mark.parametrize("worker", ["first", "second"])
def test_each_worker_ends_where_one_process_does(worker, balancer, ends):
    keys = [key for key in ends["one"] if key.startswith(balancer)]
    assert any("val_det_auc" in key for key in keys)
    for key in keys:
        np.testing.assert_allclose(
            ends[worker][key],
            ends["one"][key],
            rtol=1e-5,
            atol=1e-6,
            err_msg=key,
        )
