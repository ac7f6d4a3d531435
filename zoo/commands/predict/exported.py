"""A SavedModel of `export`, which needs TensorFlow alone."""

import importlib
import re
from pathlib import Path

from mtl_keras import files
from mtl_keras.messages import listed
from zoo.pretrained import packages

_SAVED_MODEL = "saved_model.pb"
_SIGNATURE = "serving_default"


class Exported:
    """An export, loaded.

    Args:
        path: Path of the export, or of the folder of its versions, of which
            the largest is taken, as TensorFlow Serving does.

    Attributes:
        tasks: Dict of name to `Task`.
        preprocessor: String, the name of the preprocessor's class.

    Raises:
        ValueError: If there is no export with a preprocessor inside.
    """

    def __init__(self, path):
        import tensorflow as tf

        from mtl_keras import Task

        self.path = _find(Path(path))
        revision = _revision(self.path)
        self.preprocessor = revision["preprocessor"]
        if self.preprocessor is None:
            raise ValueError(
                "predict gives an export raw inputs. Received: "
                f"{str(self.path)!r}, which was made without a preprocessor. "
                "Export it with one."
            )
        self.tasks = {
            name: Task(
                name, facts["kind"], class_names=facts.get("class_names") or ()
            )
            for name, facts in revision["tasks"].items()
            if facts.get("kind")
        }
        if self.preprocessor.endswith("SubwordPreprocessor"):
            packages.require("tensorflow_text", "hub", f"export={self.path}")
            # Its operations are in the SavedModel.
            importlib.import_module("tensorflow_text")
        # Signatures are functions that die with what was loaded.
        self._loaded = tf.saved_model.load(str(self.path))
        self._signature = self._loaded.signatures[_SIGNATURE]
        self.inputs = dict(self._signature.structured_input_signature[1])

    def __call__(self, raw: dict) -> dict:
        """Computes the outputs of a batch.

        Args:
            raw: Dict of raw input name to list.

        Returns:
            Dict of NumPy arrays: each task's output and what was decoded.

        Raises:
            ValueError: If the export cannot read it.
        """
        import tensorflow as tf

        try:
            outputs = self._signature(
                **{
                    name: tf.constant(raw[name], spec.dtype)
                    for name, spec in self.inputs.items()
                }
            )
        except tf.errors.OpError as error:
            raise ValueError(
                f"Expected what {str(self.path)!r} can read. Received: "
                f"{error.message}"
            ) from error
        return {name: value.numpy() for name, value in outputs.items()}


def _find(path) -> Path:
    if path.joinpath(_SAVED_MODEL).is_file():
        return path
    versions = [
        child
        for child in (path.iterdir() if path.is_dir() else ())
        if re.fullmatch("[0-9]+", child.name)
        and child.joinpath(_SAVED_MODEL).is_file()
    ]
    if not versions:
        raise ValueError(
            f"Expected an export, a folder with a {_SAVED_MODEL}, or a folder "
            f"of its versions. Received: --export={path}, which is not one. "
            "Make one with `python -m tools.export`."
        )
    return max(versions, key=lambda child: int(child.name))


def _revision(path) -> dict:
    from mtl_keras.export import revision as facts

    file = path / "assets.extra" / "revision.json"
    try:
        revision = files.read_json_object(file)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"Expected a whole {file.name} beside the model in {str(path)!r}, "
            f"which tells its tasks. Received: {error}. Export it again."
        ) from error
    missing = [key for key in ("preprocessor", "tasks") if key not in revision]
    if missing:
        raise ValueError(
            f"Expected {str(file)!r} to tell the tasks and the preprocessor. "
            f"Received: a file without {listed(missing)}. Export it again."
        )
    tasks = revision["tasks"]
    if not isinstance(tasks, dict) or not all(
        isinstance(facts, dict) for facts in tasks.values()
    ):
        raise ValueError(
            f"Expected an object for each task in {str(file)!r}. "
            f"Received: tasks={tasks!r:.80}. Export it again."
        )
    facts.check_sums(revision, path)
    return revision
