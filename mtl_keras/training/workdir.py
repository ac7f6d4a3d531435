"""The folder of a run, which holds one run only."""

import json
import pathlib

from mtl_keras import files
from mtl_keras.training.recipe import as_dict

CONFIG = "config.json"
CHECKPOINT = "checkpoint.npz"


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

    def _check(self) -> None:
        folder = str(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(
                f"The workdir must be a folder. Received: {folder!r}, which is "
                "a file."
            )
        file = self.path / CONFIG
        if not file.exists():
            if (self.path / CHECKPOINT).exists():
                raise ValueError(
                    f"The workdir {folder!r} holds a checkpoint without a "
                    f"{CONFIG}. Choose another workdir or delete it."
                )
            return
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{str(file)!r} is damaged: {error}. Choose another workdir or "
                "delete it."
            ) from error
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
