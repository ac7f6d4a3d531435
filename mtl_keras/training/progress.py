"""The progress of a run: its checkpoints, its best weights, its log."""

import math
import os
import time

from mtl_keras import artefacts, files
from mtl_keras.model.callbacks import nan_message
from mtl_keras.training import checkpoint
from mtl_keras.training.recipe import check_monitor
from mtl_keras.training.report import MetricsFile
from mtl_keras.training.workdir import (
    BEST,
    CHECKPOINT,
    PREVIOUS_CHECKPOINT,
    WEIGHTS,
)

_DAMAGED = "checkpoint.damaged.npz"
# The best weights of an epoch whose checkpoint is not written yet, and those
# that belong to the checkpoint before.
_PENDING_BEST = "best.pending.weights.h5"
_PREVIOUS_BEST = "best.previous.weights.h5"


class Progress:
    """The progress of a run, on the disk and in memory.

    Args:
        model: `MultiTaskModel`, compiled as the config says.
        workdir: `Workdir`, whose last checkpoint is restored.
        prepare: Function of the number of finished epochs, called before a
            checkpoint is restored: compiles the model as it was then.
        identity: String that tells the run's data from others, or `None`.

    Attributes:
        model: The model.
        workdir: `pathlib.Path` of the folder.
        metrics: `MetricsFile`.
        best: Float, the best value of the monitored log so far, or `None`.
        first_epoch: Integer, the number of finished epochs.
        seconds: Float, the time these took.
        notes: List of strings, what was found on resuming.

    Raises:
        ValueError: If no checkpoint can be read, they are of another model,
            the data have changed since, or the best weights are lost or
            damaged.
    """

    def __init__(self, model, workdir, prepare=None, identity=None):
        self._prepare, self._identity = prepare, identity
        config = workdir.config
        self.model = model
        self.workdir = workdir.path
        self.monitor = config.get("monitor")
        self.class_weight = config.get("class_weight")
        self.mode = config.get("mode") or "min"
        if self.mode not in ("min", "max"):
            raise ValueError(
                f"`config.mode` must be 'min' or 'max'. Received: {self.mode!r}"
            )
        self.metrics = MetricsFile(workdir / "metrics.jsonl")
        self.best = None
        self.first_epoch = 0
        self.seconds = 0.0
        self.notes = []
        self._best_sum = None
        self._restore()
        self._check_best()
        missing = self.metrics.keep(self.first_epoch)
        if missing:
            self.notes.append(
                f"metrics.jsonl lacks {missing} of {self.first_epoch} finished "
                "epochs: their metrics are lost, the weights are not"
            )

    def _restore(self) -> None:
        """Restores the last checkpoint that is whole."""
        newest = self.workdir / CHECKPOINT
        previous = self.workdir / PREVIOUS_CHECKPOINT
        if newest.exists():
            try:
                self._take(self._restored(newest))
                return
            except checkpoint.DamagedError as error:
                if not previous.exists():
                    raise
                note = str(error)
        elif previous.exists():
            note = f"{str(newest)!r} is missing."
        else:
            return
        self._take(self._restored(previous))
        self.notes.append(f"{note} The one before it is used.")
        if newest.exists():
            # Else the next save would put it in the place of the good one.
            os.replace(newest, self.workdir / _DAMAGED)

    def _restored(self, path) -> dict:
        if self._prepare is None:
            return checkpoint.restore(self.model, path)
        return checkpoint.restore(
            self.model, path, lambda p: self._prepare(p["num_epochs"])
        )

    def _take(self, progress) -> None:
        self.first_epoch = progress["num_epochs"]
        self._check_identity(progress.get("data"))
        self.seconds = progress["seconds"]
        self.best = progress["best"]
        # Checkpoints of earlier versions have no sum.
        self._best_sum = progress.get("best_sha256")

    def _check_identity(self, stored) -> None:
        # Checkpoints of earlier versions do not tell the data.
        if None in (stored, self._identity) or stored == self._identity:
            return
        raise ValueError(
            f"The data have changed since epoch {self.first_epoch} of the run "
            f"in {str(self.workdir)!r}. Expected: {stored}. Received: "
            f"{self._identity}. Restore the data, or train in another workdir."
        )

    def _check_best(self) -> None:
        """Puts the best weights of the checkpoint in their place."""
        if self.monitor is None or self.best is None:
            return
        path = self.workdir / BEST
        received = files.sha256(path) if path.is_file() else None
        if self._best_sum is None and received is not None:
            return
        if self._best_sum is not None and received == self._best_sum:
            return
        # A kill came between the checkpoint and the renaming of the weights,
        # or an earlier checkpoint is used.
        for name in (_PENDING_BEST, _PREVIOUS_BEST):
            other = self.workdir / name
            if other.is_file() and files.sha256(other) == self._best_sum:
                os.replace(other, path)
                return
        if self._best_sum is None:
            raise ValueError(
                f"{str(path)!r} is missing: the weights of the best epoch so "
                "far. Restore the file, or train again in another workdir."
            )
        raise ValueError(artefacts.changed(path, self._best_sum, received))

    def write_log(self, line: str) -> None:
        """Adds a line with the time to the workdir's `run.log`."""
        with open(self.workdir / "run.log", "a", encoding="utf-8") as file:
            file.write(time.strftime("%Y-%m-%d %H:%M:%S ") + line + "\n")

    def end_epoch(self, epoch: int, logs: dict, seconds: float) -> None:
        """Stores the state after an epoch.

        The metrics come first: a kill in between only repeats the epoch.

        Args:
            epoch: Integer from 0 up.
            logs: Dict, log key to float.
            seconds: Float, the time the epoch took.

        Raises:
            ValueError: If the state holds NaN or infinity, or `monitor` names
                no log. The last checkpoint stays.
        """
        self.metrics.append({"epoch": epoch, **logs, "seconds": seconds})
        pending = self.workdir / _PENDING_BEST
        is_best = self.monitor is not None and self._is_better(logs)
        if is_best:
            self.best = float(logs[self.monitor])
            _save_weights(self.model, pending)
            self._best_sum = files.sha256(pending)
        self.seconds += seconds
        checkpoint.save(
            self.model,
            self.workdir / CHECKPOINT,
            {
                "num_epochs": epoch + 1,
                "seconds": self.seconds,
                "best": self.best,
                "best_sha256": self._best_sum,
                "data": self._identity,
            },
            previous=self.workdir / PREVIOUS_CHECKPOINT,
        )
        if is_best:
            best = self.workdir / BEST
            if best.exists():
                os.replace(best, self.workdir / _PREVIOUS_BEST)
            os.replace(pending, best)

    def _is_better(self, logs) -> bool:
        check_monitor(self.monitor, logs)
        value = float(logs[self.monitor])
        if not math.isfinite(value):
            # A mean over no label, or training that diverges.
            return False
        if self.best is None or not math.isfinite(self.best):
            # Earlier versions stored NaN as the best, which no value beats.
            return True
        return value < self.best if self.mode == "min" else value > self.best

    def finish(self) -> None:
        """Leaves the chosen weights in the model and in the workdir.

        Raises:
            ValueError: If the best weights are lost or damaged, or the
                monitored log was a number at no epoch.
        """
        if self.monitor is not None and self.best is None:
            raise ValueError(nan_message("`config.monitor`", self.monitor))
        self._check_best()
        if self.monitor is not None and self.best is not None:
            self.model.load_weights(self.workdir / BEST)
        # Its sums would not be those of the weights written now.
        (self.workdir / artefacts.REPORT).unlink(missing_ok=True)
        _save_weights(self.model, self.workdir / WEIGHTS)
        for name in (_PENDING_BEST, _PREVIOUS_BEST):
            (self.workdir / name).unlink(missing_ok=True)


def _save_weights(model, path):
    # Keras wants a path with this ending, or an open file of HDF5.
    partial = path.with_name(f".partial.{path.name}")
    model.save_weights(partial)
    partial.replace(path)
