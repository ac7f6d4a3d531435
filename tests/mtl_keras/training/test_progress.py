"""What a run keeps survives kills and damage, or the error names the file."""

import json
import os
import shutil

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel
from mtl_keras.training import check_workdir, progress
from tests.test_case import to_numpy

CONFIG = {
    "model": "tiny",
    "epochs": 9,
    "batch_size": 8,
    "seed": 0,
    "optimizer": {"name": "adam"},
    "monitor": "val_loss",
}


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((2,))
    model = MultiTaskModel(inputs, {"a": keras.layers.Dense(1)(inputs)})
    model.compile("adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def fill(model, value):
    for variable in model.trainable_variables:
        variable.assign(np.full(variable.shape, value))


def value_of(model):
    return float(to_numpy(model.trainable_variables[0])[0, 0])


def started(model, folder, **changes):
    workdir = check_workdir(folder, {**CONFIG, **changes})
    run = progress.Progress(model, workdir)
    workdir.claim()
    return run


def run(model, folder, losses, **changes):
    """Each epoch's weights are its number, from 1 up."""
    run = started(model, folder, **changes)
    for epoch, loss in enumerate(losses, start=run.first_epoch):
        fill(model, epoch + 1)
        run.end_epoch(epoch, {"val_loss": loss}, 1.0)
    return run


def resumed(model, folder, **changes):
    fill(model, -1.0)
    return started(model, folder, **changes)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_run_is_not_resumed_on_other_data(model, tmp_path):
    workdir = check_workdir(tmp_path, CONFIG)
    begun = progress.Progress(model, workdir, identity="words 1.0.0")
    fill(model, 1.0)
    begun.end_epoch(0, {"val_loss": 1.0}, 1.0)
    with pytest.raises(ValueError, match="since epoch 1 of the run") as error:
        progress.Progress(model, workdir, identity="words 1.1.0")
    assert "Expected: words 1.0.0. Received: words 1.1.0." in str(error.value)
    # Callers need not tell the data, and earlier checkpoints do not.
    for identity in ("words 1.0.0", None):
        again = progress.Progress(model, workdir, identity=identity)
        assert again.first_epoch == 1
    again.end_epoch(1, {"val_loss": 1.0}, 1.0)
    again = progress.Progress(model, workdir, identity="words 1.1.0")
    assert again.first_epoch == 2


def test_damaged_newest_checkpoint_is_reported_and_the_one_before_used(
    model, tmp_path
):
    run(model, tmp_path, [3.0, 2.0, 1.0])
    (tmp_path / "checkpoint.npz").write_bytes(b"PK damaged")
    again = resumed(model, tmp_path)
    assert (again.first_epoch, value_of(model)) == (2, 2.0)
    assert again.best == 2.0
    (note,) = again.notes
    assert "checkpoint.npz' cannot be read" in note
    assert "The one before it is used" in note
    # The damaged file must not become the one before.
    run(model, tmp_path, [1.5])
    (tmp_path / "checkpoint.npz").unlink()
    assert resumed(model, tmp_path).first_epoch == 2
    assert value_of(model) == 2.0


def test_best_weights_belong_to_the_checkpoint_that_is_used(model, tmp_path):
    run(model, tmp_path, [3.0, 2.0])
    (tmp_path / "checkpoint.npz").unlink()
    again = resumed(model, tmp_path)
    again.finish()
    assert value_of(model) == 1.0


@pytest.mark.parametrize("moment", range(1, 7))
def test_kill_at_any_renaming_loses_nothing(
    model, tmp_path, monkeypatch, moment
):
    run(model, tmp_path, [3.0])
    replace, count = os.replace, [0]

    def killed(source, target):
        count[0] += 1
        if count[0] == moment:
            # What lies there now is what a kill would leave.
            shutil.copytree(tmp_path, tmp_path.with_name("killed"))
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    run(model, tmp_path, [2.0])
    monkeypatch.undo()
    left = tmp_path.with_name("killed")
    if not left.exists():
        pytest.skip(f"an epoch renames {count[0]} files")
    again = resumed(model, left)
    assert again.first_epoch in (1, 2)
    assert value_of(model) == again.first_epoch
    run(model, left, [2.0, 4.0][again.first_epoch - 1 :]).finish()
    shutil.rmtree(left)
    assert value_of(model) == 2.0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (os.unlink, "best.weights.h5' is missing. Expected sha256"),
        (flip, "best.weights.h5' has changed: its sha256 is"),
    ],
)
def test_lost_or_damaged_best_weights_are_an_error(
    model, tmp_path, damage, message
):
    first = run(model, tmp_path, [1.0, 2.0])
    damage(tmp_path / "best.weights.h5")
    with pytest.raises(ValueError, match=message):
        resumed(model, tmp_path)
    with pytest.raises(ValueError, match=message):
        first.finish()


def test_run_of_an_earlier_version_resumes(model, tmp_path):
    run(model, tmp_path, [1.0, 2.0])
    # It kept one checkpoint, and no sum of the best weights.
    (tmp_path / "checkpoint.previous.npz").unlink()
    stored = dict(np.load(tmp_path / "checkpoint.npz"))
    content = json.loads(stored["progress"].tobytes())
    del content["best_sha256"]
    text = json.dumps(content).encode()
    stored["progress"] = np.frombuffer(text, np.uint8)
    np.savez(tmp_path / "checkpoint.npz", **stored)
    again = resumed(model, tmp_path)
    assert (again.first_epoch, value_of(model), again.notes) == (2, 2.0, [])
    again.finish()
    assert value_of(model) == 1.0
    (tmp_path / "best.weights.h5").unlink()
    with pytest.raises(ValueError, match="best.weights.h5' is missing"):
        resumed(model, tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_state_that_is_not_finite_never_replaces_a_checkpoint(
    model, tmp_path, value
):
    first = run(model, tmp_path, [2.0])
    fill(model, value)
    with pytest.raises(ValueError, match="diverged: NaN or infinity in 2 var"):
        first.end_epoch(1, {"val_loss": 1.0}, 1.0)
    again = resumed(model, tmp_path)
    assert (again.first_epoch, value_of(model)) == (1, 1.0)
    again.finish()
    assert value_of(model) == 1.0


def test_stored_checkpoint_that_is_not_finite_is_passed_over(model, tmp_path):
    run(model, tmp_path, [2.0, 1.0])
    stored = dict(np.load(tmp_path / "checkpoint.npz"))
    stored["model/00000"] = np.full_like(stored["model/00000"], np.nan)
    np.savez(tmp_path / "checkpoint.npz", **stored)
    again = resumed(model, tmp_path)
    assert again.first_epoch == 1
    assert "holds NaN or infinity in the variable" in again.notes[0]


def test_lost_metrics_are_mentioned(model, tmp_path):
    run(model, tmp_path, [2.0, 1.0])
    (tmp_path / "metrics.jsonl").unlink()
    (note,) = resumed(model, tmp_path).notes
    assert "metrics.jsonl lacks 2 of 2 finished epochs" in note
