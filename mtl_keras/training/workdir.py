"""The folder of a run, which holds one run only."""

import contextlib
import json
import pathlib

from mtl_keras import files
from mtl_keras.training.recipe import as_dict

CONFIG = "config.json"
CHECKPOINT = "checkpoint.npz"
PREVIOUS_CHECKPOINT = "checkpoint.previous.npz"
BEST = "best.weights.h5"
WEIGHTS = "model.weights.h5"
_LOCK = ".lock"


class Workdir:
    """A folder that is free for a run, or holds this very one.

    Args:
        path: String or path of the folder, which need not exist.
        config: `ml_collections.ConfigDict` or dict, the run's recipe.

    Attributes:
        path: `pathlib.Path`.
        config: Dict, the recipe.

    Raises:
        ValueError: If it is a file, or holds another run.
    """

    def __init__(self, path, config):
        self.path, self.config = pathlib.Path(path), as_dict(config)
        self._check()

    def __truediv__(self, name: str) -> pathlib.Path:
        return self.path / name

    def claim(self) -> None:
        """Writes the recipe, so that no other run takes the folder."""
        text = json.dumps(self.config, indent=2, sort_keys=True) + "\n"
        files.write_text(self.path / CONFIG, text)

    @contextlib.contextmanager
    def locked(self):
        """Keeps other processes from the folder; a kill releases it.

        Yields:
            `None`.

        Raises:
            ValueError: If another process uses it, or it holds another run.
        """
        is_new = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        what = f"The workdir {str(self.path)!r}"
        try:
            with files.lock(self.path / _LOCK, what):
                # Another run may have claimed it since it was checked.
                self._check()
                yield
        finally:
            if is_new and not any(self.path.iterdir()):
                self.path.rmdir()

    def _check(self) -> None:
        folder = str(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(
                f"The workdir must be a folder. Received: {folder!r}, which is "
                "a file."
            )
        file = self.path / CONFIG
        if not file.exists():
            checkpoints = (CHECKPOINT, PREVIOUS_CHECKPOINT)
            if any((self.path / name).exists() for name in checkpoints):
                raise ValueError(
                    f"The workdir {folder!r} holds a checkpoint without a "
                    f"{CONFIG}. Choose another workdir or delete it."
                )
            return
        stored = files.read_json_object(
            file, "Choose another workdir or delete it."
        )
        expected = json.loads(json.dumps(self.config))
        different = [
            f"{key}: {stored.get(key)!r} there, {expected.get(key)!r} now"
            for key in sorted(stored.keys() | expected.keys())
            if stored.get(key) != expected.get(key)
        ]
        if different:
            raise ValueError(
                f"The workdir {folder!r} holds another run. Its config differs "
                f"in {'; '.join(different)}. Choose another workdir, or delete "
                "that one to start again."
            )


def check_workdir(workdir, config) -> Workdir:
    """Checks that a folder is free for a run, or holds this very one.

    Args:
        workdir: String or path of a folder, or a `Workdir`, which was checked
            when it was made.
        config: `ml_collections.ConfigDict` or dict, the run's recipe.

    Returns:
        `Workdir`, which `train_and_evaluate` takes in the place of the path.

    Raises:
        ValueError: If it is a file, or holds another run.
    """
    return workdir if isinstance(workdir, Workdir) else Workdir(workdir, config)


def delete_checkpoints(workdir) -> None:
    """Deletes the checkpoints of a run that nothing resumes from.

    Args:
        workdir: String or path of its folder.
    """
    for name in (PREVIOUS_CHECKPOINT, CHECKPOINT):
        pathlib.Path(workdir, name).unlink(missing_ok=True)
