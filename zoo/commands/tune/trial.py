"""The trials of a search: a folder each, trained by the trial's own recipe."""

import json
from pathlib import Path

from mtl_keras import files
from mtl_keras.tuning.failure import reason

RESULT = "result.json"
_CHECKPOINT = "checkpoint.npz"
# A trial resumes from the last one, which is copied after all others.
_CARRIED = ("config.json", "metrics.jsonl", "best.weights.h5", _CHECKPOINT)


class Runner:
    """Trains what a trial asks for.

    Args:
        hypermodel: `zoo.hypermodels.ZooHyperModel`.
        workdir: Path of the search's folder.
        data_dir: Folder of prepared data sets, or `None`.
        references: Function without arguments that returns the metrics of
            single-task models, or `None` where they are not needed.
        tell: Function of a string, called with what is being done.
    """

    def __init__(self, hypermodel, workdir, data_dir, references, tell):
        self._hypermodel = hypermodel
        self._workdir = Path(workdir)
        self._data_dir = data_dir
        self._references = references
        self._tell = tell

    def __call__(self, name: str, hp) -> float:
        """Trains a trial, or reads what it has reached before.

        A trial that was killed resumes after its last epoch. One of Hyperband
        that is chosen for more epochs resumes where the shorter one stopped,
        optimizer and schedule included, as if it had never stopped.

        Args:
            name: String, the trial's id.
            hp: `keras_tuner.HyperParameters`.

        Returns:
            Float, the objective.

        Raises:
            ValueError: If the objective is not defined, or the recipe of this
                point cannot be trained.
        """
        from mtl_keras import training

        target = folder(self._workdir, name)
        done = result(target)
        if done is not None and "error" not in done:
            return done["objective"]
        try:
            reached = self._train(name, hp, target)
        except Exception as error:
            # The chief reads it here: KerasTuner sends it no message.
            _write(target, {"error": reason(error)})
            raise
        _write(target, reached)
        if "tuner/epochs" not in hp.values:
            # Nothing resumes from it, and it is the largest file.
            training.delete_checkpoints(target)
        return reached["objective"]

    def _train(self, name, hp, target) -> dict:
        import keras

        from mtl_keras import comparison, compat, training
        from zoo import preparation

        keras.backend.clear_session()
        compat.release_traced_steps()
        config = self._hypermodel.config(hp)
        self._tell(f"trial {int(name)}: {describe(hp.values)}")
        if hp.values.get("tuner/trial_id"):
            before = folder(self._workdir, hp.values["tuner/trial_id"])
            _carry(before, target)
        model, datasets = preparation.prepare(config, self._data_dir)
        epochs = hp.values.get("tuner/epochs", config.epochs)
        lines = training.train(model, datasets, config, target, until=epochs)
        line = comparison.kept_line(
            lines, config.get("monitor"), config.get("mode")
        )
        sought = self._hypermodel.sought
        if line["loss"] is None:
            raise ValueError("The training's loss is not a finite number.")
        keys = dict.fromkeys([*sought.counted, sought.name])
        metrics = {k: line[f"val_{k}"] for k in keys if f"val_{k}" in line}
        references = self._references() if sought.is_gain else None
        value = sought.value(metrics, references)
        if value != value:
            raise ValueError(
                f"The objective {sought.name!r} is not defined for the metrics "
                f"{metrics}."
            )
        return {
            "objective": value,
            "metrics": metrics,
            "epochs": epochs,
            "seconds": round(sum(each["seconds"] for each in lines), 1),
        }


def folder(workdir: Path, name: str) -> Path:
    """Returns the folder of a trial."""
    return Path(workdir) / "trials" / f"{int(name):04d}"


def result(target: Path) -> dict | None:
    """Reads what a trial has reached, or why it failed.

    Args:
        target: Path of the trial's folder.

    Returns:
        Dict: `"objective"`, `"metrics"`, `"epochs"` and `"seconds"`, or
        `"error"`; `None` where it has not ended.
    """
    path = target / RESULT
    if not path.is_file():
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def describe(values: dict) -> str:
    """Writes the values of a trial in one line."""
    from mtl_keras.tuning.space import short

    shown = {k: v for k, v in values.items() if not k.startswith("tuner/")}
    if "tuner/epochs" in values:
        shown["epochs"] = values["tuner/epochs"]
    parts = [
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in short(shown).items()
    ]
    return ", ".join(parts)


def _write(target, content) -> None:
    from mtl_keras.training import report

    text = json.dumps(report.plain(content), indent=2) + "\n"
    files.write_text(target / RESULT, text)


def _carry(before, target) -> None:
    """Copies what a training resumes from, unless it is there already."""
    if (target / _CHECKPOINT).exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in _CARRIED:
        if (before / name).exists():
            content = (before / name).read_bytes()
            files.write_atomically(
                target / name, lambda file, content=content: file.write(content)
            )
