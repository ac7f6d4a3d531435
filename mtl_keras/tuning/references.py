"""What each task reaches alone: the reference for the gain of sharing."""

import json
import pathlib

from mtl_keras import MultiTaskModel, files
from mtl_keras.training import report


class References:
    """The metrics of single-task models, measured once and kept in a file.

    Args:
        path: Path of the JSON file, or `None` to keep them in memory only.
        made_by: Dict, plain data, how they are measured: what must be the
            same for a file to be used again.

    Raises:
        ValueError: If the file is damaged, or was measured in another way.
    """

    def __init__(self, path, made_by: dict):
        self._path = None if path is None else pathlib.Path(path)
        self._made_by = json.loads(json.dumps(report.plain(made_by)))
        self._tasks = {}
        if self._path is not None and self._path.exists():
            self._tasks = self._read()

    @property
    def metrics(self) -> dict:
        """Dict, log key without `val_` to float or `None`, of all tasks."""
        return {
            k: v for by_key in self._tasks.values() for k, v in by_key.items()
        }

    def missing(self, tasks) -> list[str]:
        """Lists the tasks that have not been measured yet."""
        return [task for task in sorted(tasks) if task not in self._tasks]

    def add(self, task: str, metrics: dict) -> None:
        """Keeps the metrics of a task.

        Args:
            task: String.
            metrics: Dict, log key without `val_` to float or `None`.
        """
        self._tasks[task] = report.plain(dict(metrics))
        if self._path is None:
            return
        content = {"made_by": self._made_by, "tasks": self._tasks}
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        files.write_text(self._path, text)

    def _read(self) -> dict:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            made_by, tasks = content["made_by"], dict(content["tasks"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"The references {str(self._path)!r} are damaged: {error}. "
                "Delete the file to measure them again."
            ) from error
        if made_by != self._made_by:
            raise ValueError(
                f"The references {str(self._path)!r} were measured in another "
                f"way: {made_by} there, {self._made_by} now. Choose another "
                "file, or delete that one to measure them again."
            )
        return tasks


def alone(model, task: str):
    """Makes the model of one task only.

    Args:
        model: `MultiTaskModel`, of which the new one takes the layers.
        task: String, the task that stays.

    Returns:
        `MultiTaskModel` with the one output, not compiled.
    """
    return MultiTaskModel(
        model.input, {task: model.output[task]}, tasks=[model.tasks[task]]
    )


def only(task: str, data):
    """Leaves out the labels and weights of the other tasks.

    Args:
        task: String.
        data: Dict of task name to labels or weights; or what holds such
            dicts: a tuple of inputs, labels and weights, or a
            `tf.data.Dataset` of them; anything else is returned as it is.

    Returns:
        The same of one task.
    """
    if isinstance(data, tuple):
        inputs, *others = data
        return (inputs, *(only(task, part) for part in others))
    if isinstance(data, dict):
        return {name: part for name, part in data.items() if name == task}
    if hasattr(data, "element_spec"):
        return data.map(lambda *parts: only(task, parts))
    return data
