"""`benchmark step`: its flags, and that JAX alone is enough for it."""

import json
import subprocess
import sys

import pytest

from mtl_keras.profiling import network
from tests import backend_process
from zoo.commands import benchmark

# A machine with a GPU may have JAX and no TensorFlow.
WITHOUT_TENSORFLOW = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {
            "tensorflow", "tensorflow_datasets", "tensorboard", "keras_tuner"
        }:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from zoo.commands import benchmark
sys.exit(benchmark.main(sys.argv[1:]))
"""


def test_trunks_and_dtypes_are_those_of_the_networks():
    assert set(network.TRUNKS) == set(benchmark.TRUNKS)
    assert set(network.DTYPES) == set(benchmark.DTYPES)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["step", "--balancer=cagrat"], "Did you mean 'cagrad'"),
        (["step", "--balancer="], "--balancer to name"),
        (["step", "--output=."], "must be a file"),
        (["step", "--xla=of"], "Did you mean 'off'"),
        (["step", "--trunk=resnet"], "resnet50"),
        (["step", "--dtype=float16"], "bfloat16"),
        (["sharing_step", "--sharing=mmo"], "Did you mean 'mmoe'"),
        (["sharing_step", "--trunk=resnet50"], "which has stages"),
        (
            ["step", "--balancer=dwa", "--on=features"],
            "hyperparameter of 'dwa'",
        ),
    ],
)
def test_wrong_flags(capsys, argv, message):
    assert benchmark.main(argv) != 0
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_runs_on_jax_where_tensorflow_is_not_installed(tmp_path):
    pytest.importorskip("jax")
    output = tmp_path / "times.json"
    result = subprocess.run(
        [
            *(sys.executable, "-c", WITHOUT_TENSORFLOW, "step"),
            *("--steps=2", "--batch_size=2", "--xla=on", "--num_tasks=2"),
            *("--balancer=upgrad,uncertainty", "--dtype=bfloat16"),
            f"--output={output}",
        ],
        env=backend_process.environment("jax"),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr[-5000:]
    figures = json.loads(output.read_text())
    assert [line["balancer"] for line in figures] == ["upgrad", "uncertainty"]
    assert all(line["ours_ms"] > 0 for line in figures)


def test_a_line_for_each_architecture(tmp_path, capsys):
    output = tmp_path / "times.json"
    argv = ["sharing_step", "--sharing=hard", "--steps=2", "--batch_size=2"]
    assert benchmark.main([*argv, "--xla=off", f"--output={output}"]) == 0
    (figures,) = json.loads(output.read_text())
    assert figures["sharing"] == "hard" and figures["steps"] == 2
    low, high = figures["interval"]
    assert low <= figures["ratio"] <= high
    assert "XLA off hard" in capsys.readouterr().out
