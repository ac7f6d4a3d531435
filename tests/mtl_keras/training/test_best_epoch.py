"""The weights of the best epoch are kept, by `monitor` and `mode`."""

import math

import pytest

from mtl_keras.training import check_workdir, progress


class Recorder:
    """A model whose weights are the number of the epoch."""

    epoch = None

    def save_weights(self, path):
        path.write_text(str(self.epoch))

    def load_weights(self, path):
        self.epoch = int(path.read_text())


def _run(folder, monkeypatch, values=(2.0, 1.0, 3.0, 2.5), **changes):
    monkeypatch.setattr(progress.checkpoint, "save", lambda *a, **k: None)
    config = {"model": "a", "epochs": 3, "batch_size": 8, "seed": 0}
    config |= {"optimizer": {"name": "adam"}, **changes}
    model = Recorder()
    run = progress.Progress(model, check_workdir(folder, config))
    for model.epoch, value in enumerate(values):
        run.end_epoch(model.epoch, {"val_loss": value}, 1.0)
    run.finish()
    return int((folder / "model.weights.h5").read_text())


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [
        ({"monitor": "val_loss"}, 1),
        ({"monitor": "val_loss", "mode": "min"}, 1),
        ({"monitor": "val_loss", "mode": "max"}, 2),
        ({}, 3),
    ],
)
def test_weights_are_those_of_the_best_epoch(
    changes, epoch, tmp_path, monkeypatch
):
    assert _run(tmp_path, monkeypatch, **changes) == epoch


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"monitor": "val_los"}, "names 'val_los'.*Did you mean 'val_loss'"),
        ({"monitor": "val_loss", "mode": "top"}, "must be 'min' or 'max'"),
    ],
)
def test_wrong_monitor_is_refused(changes, message, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=message):
        _run(tmp_path, monkeypatch, **changes)


@pytest.mark.parametrize(
    ("mode", "other", "epoch"),
    [("min", math.inf, 1), ("max", -math.inf, 1), ("min", -math.inf, 1)],
)
def test_an_epoch_without_a_number_is_never_the_best(
    mode, other, epoch, tmp_path, monkeypatch
):
    values = (math.nan, 2.0, other, math.nan)
    changes = {"monitor": "val_loss", "mode": mode}
    assert _run(tmp_path, monkeypatch, values, **changes) == epoch


def test_a_monitored_log_that_is_never_a_number_is_refused(
    tmp_path, monkeypatch
):
    values = (math.nan, math.nan)
    with pytest.raises(ValueError, match="monitors 'val_loss'.*label"):
        _run(tmp_path, monkeypatch, values, monitor="val_loss")
