"""A run leaves what it promises, and resumes as if it had not been killed."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from mtl_keras import training
from mtl_keras.training import run as running
from tests import test_case as case
from tests.mtl_keras.training import killed_run

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="tf.data, TensorBoard and the export need TensorFlow",
)
ROOT = pathlib.Path(__file__).parents[3]


def kill(workdir, moment):
    """Runs until a moment in a process of its own, which dies there."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.mtl_keras.training.killed_run",
            workdir,
            moment,
        ],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def stored_weights(workdir):
    stored = {}
    with h5py.File(workdir / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                stored.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return stored


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("undisturbed")
    killed_run.main(workdir, "none")
    return workdir


@pytest.mark.slow
def test_workdir_holds_what_a_run_promises(undisturbed):
    config = json.loads((undisturbed / "config.json").read_text())
    assert config["model"] == "vector"
    assert "epoch 4/4" in (undisturbed / "run.log").read_text()
    report = json.loads((undisturbed / "report.json").read_text())
    assert report["split"] == "validation"
    assert set(report["metrics"]) >= {"loss", "cls_accuracy", "det_auc"}
    assert (undisturbed / "plots" / "curves.png").stat().st_size > 1000
    assert (undisturbed / "export" / "1" / "saved_model.pb").exists()
    assert list((undisturbed / "events").rglob("events.out.tfevents.*"))


@pytest.fixture
def bare(undisturbed, monkeypatch):
    """Leaves out what follows a training and takes most of its time."""
    monkeypatch.setattr(running.export, "saved_model", lambda *a, **k: None)
    monkeypatch.setattr(running, "_illustrate", lambda *a: None)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["batch", "line", "checkpoint"])
def test_killed_run_ends_bitwise_like_an_undisturbed_one(
    moment, undisturbed, bare, tmp_path
):
    killed = kill(tmp_path, moment)
    assert killed.returncode == -9, killed.stderr
    assert not (tmp_path / "report.json").exists()
    # In this process: another one than that which was killed.
    killed_run.main(tmp_path, "none")
    received, expected = stored_weights(tmp_path), stored_weights(undisturbed)
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)
    metrics = [
        [
            json.loads(line)
            for line in (folder / "metrics.jsonl").read_text().splitlines()
        ]
        for folder in (tmp_path, undisturbed)
    ]
    assert [line["epoch"] for line in metrics[0]] == [0, 1, 2, 3]
    for line, other in zip(*metrics, strict=True):
        assert {k: v for k, v in line.items() if k != "seconds"} == {
            k: v for k, v in other.items() if k != "seconds"
        }


class Terminate(keras.callbacks.Callback):
    """Sends SIGTERM to this process in the middle of the second epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == 5:
            signal.raise_signal(signal.SIGTERM)


def test_sigterm_ends_with_its_status_and_the_run_resumes(
    undisturbed, bare, tmp_path
):
    with pytest.raises(SystemExit) as ended:
        killed_run.main(tmp_path, "none", [Terminate()])
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert "ended by SIGTERM, 1 of 4 epochs are saved" in (
        (tmp_path / "run.log").read_text()
    )
    killed_run.main(tmp_path, "none")
    received, expected = stored_weights(tmp_path), stored_weights(undisturbed)
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)


def test_report_holds_the_sums_of_the_files(undisturbed):
    report = json.loads((undisturbed / "report.json").read_text())
    assert report["sha256"].keys() == {
        "best.weights.h5",
        "config.json",
        "metrics.jsonl",
        "model.weights.h5",
    }
    for name, expected in report["sha256"].items():
        content = (undisturbed / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == expected


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"model": "other"}, "model: 'vector' there, 'other' now"),
        ({"epochs": 9}, "epochs: 4 there, 9 now"),
    ],
)
def test_workdir_of_another_run_is_refused(changed, words, undisturbed):
    config = json.loads((undisturbed / "config.json").read_text())
    with pytest.raises(ValueError, match=words):
        training.train_and_evaluate(
            case.vector_model(), {}, {**config, **changed}, undisturbed
        )


def test_config_without_a_field_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lacks 'epochs', 'optimizer'"):
        training.train_and_evaluate(
            case.vector_model(),
            {},
            {"model": "vector", "batch_size": 8, "seed": 0},
            tmp_path,
        )


def test_workdir_that_is_a_file_is_refused(tmp_path, undisturbed):
    path = tmp_path / "file"
    path.write_text("")
    config = json.loads((undisturbed / "config.json").read_text())
    with pytest.raises(ValueError, match="is a file"):
        training.train_and_evaluate(case.vector_model(), {}, config, path)
