"""The weights of the best epoch are kept, by `monitor` and `mode`."""

import pytest

from mtl_keras.training import check_workdir
from mtl_keras.training import run as running


class Recorder:
    """A model whose weights are the number of the epoch."""

    epoch = None

    def save_weights(self, path):
        path.write_text(str(self.epoch))

    def load_weights(self, path):
        self.epoch = int(path.read_text())


def _run(folder, monkeypatch, **changes):
    monkeypatch.setattr(running.checkpoint, "save", lambda *a: None)
    config = {"model": "a", "epochs": 3, "batch_size": 8, "seed": 0}
    config |= {"optimizer": {"name": "adam"}, **changes}
    model = Recorder()
    run = running._Run(model, check_workdir(folder, config))
    for model.epoch, value in enumerate([2.0, 1.0, 3.0, 2.5]):
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
