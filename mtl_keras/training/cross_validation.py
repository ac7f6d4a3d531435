"""Trains a model on each fold of the data and tells mean and spread."""

import dataclasses
import json
import math
import pathlib

import keras

from mtl_keras.files import write_text
from mtl_keras.messages import listed
from mtl_keras.training.report import Report
from mtl_keras.training.run import train_and_evaluate


def cross_validate(
    build_model,
    data,
    config,
    workdir,
    *,
    num_folds: int | None = None,
    command: str | None = None,
):
    """Trains and measures a fresh model on each fold.

    Each fold is a run of its own in `workdir/fold_0`, `workdir/fold_1`, ...,
    that starts from the seed of the config, whatever ran before it. The same
    call on the same workdir resumes where it was stopped; a finished fold is
    measured again, but not trained again.

    ```python
    folds = mtl_keras.data.folds(source, tasks, 5, groups="patient")

    def data(fold):
        parts = folds[fold]
        return {
            "train": lambda epoch: pipeline(parts["train"], tasks,
                                            training=True, epoch=epoch),
            "test": pipeline(parts["test"], tasks),
        }

    result = training.cross_validate(build_model, data, config, workdir,
                                     num_folds=5)
    print(result.table())
    ```

    Args:
        build_model: Function without arguments that returns a new
            `MultiTaskModel`, not compiled.
        data: Sequence that holds for each fold the `datasets` of
            `train_and_evaluate`; or a function of the fold's number, from 0
            up, that returns them, so that one fold is in memory at a time.
        config: As for `train_and_evaluate`.
        workdir: String or path of a folder, made if needed.
        num_folds: Integer of at least 2; needed where `data` is a function.
        command: As for `train_and_evaluate`.

    Returns:
        `CrossValidation`, which is kept in `workdir/cross_validation.json`.

    Raises:
        ValueError: If the number of folds is not known or less than 2, a fold
            has nothing to be measured on, `build_model` returns one model
            twice, or the workdir holds another run.
    """
    num_folds = _count(data, num_folds)
    config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    workdir = pathlib.Path(workdir)
    reports, models = [], []
    for fold in range(num_folds):
        datasets = data(fold) if callable(data) else data[fold]
        _check_datasets(fold, datasets)
        # Else the weights of fold 1 would depend on whether fold 0 was
        # trained just now or in an earlier run.
        keras.utils.set_random_seed(config.get("seed", 0))
        model = build_model()
        if any(model is other for other in models):
            raise ValueError(
                "`build_model` must build a new model for each fold. "
                f"Received: for fold {fold} the model of an earlier one, "
                "which has seen this fold's test examples."
            )
        models = [model]
        reports.append(
            train_and_evaluate(
                model,
                datasets,
                {**config, "fold": fold, "num_folds": num_folds},
                workdir / f"fold_{fold}",
                command,
            )
        )
    result = CrossValidation(tuple(reports))
    result.save(workdir / "cross_validation.json")
    return result


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """The result of a model on several folds.

    Args:
        reports: Tuple of `Report`, one a fold.
    """

    reports: tuple[Report, ...]

    @property
    def metrics(self) -> dict:
        """The values of each metric by log key, a tuple of one a fold.

        A metric that a fold does not define is NaN there.
        """
        keys = sorted(
            {key for report in self.reports for key in report.metrics}
        )
        return {
            key: tuple(r.metrics.get(key, math.nan) for r in self.reports)
            for key in keys
        }

    @property
    def mean(self) -> dict:
        """The mean of each metric over the folds that define it."""
        return {
            key: sum(values) / len(values) if values else math.nan
            for key, values in self._defined()
        }

    @property
    def deviation(self) -> dict:
        """The standard deviation of each metric between folds.

        The divisor is the number of folds less one; NaN for a single fold.
        """
        mean = self.mean
        return {
            key: (
                math.sqrt(sum((v - mean[key]) ** 2 for v in values) / (n - 1))
                if (n := len(values)) > 1
                else math.nan
            )
            for key, values in self._defined()
        }

    def _defined(self):
        for key, values in self.metrics.items():
            yield key, [value for value in values if not math.isnan(value)]

    def table(self) -> str:
        """Writes mean and deviation of each metric, one line a metric."""
        first, num_folds = self.reports[0], len(self.reports)
        mean, deviation = self.mean, self.deviation
        width = max((len(key) for key in mean), default=0)
        lines = [
            f"{first.model} on {first.data}, {first.split} split of "
            f"{num_folds} folds, mean and deviation"
        ]
        for key, values in self._defined():
            line = f"  {key:<{width}}  {mean[key]:>9.4f}  {deviation[key]:.4f}"
            if len(values) < num_folds:
                line += f"  ({len(values)} folds; not defined in the others)"
            lines.append(line)
        return "\n".join(lines)

    def save(self, path) -> None:
        """Writes mean, deviation and the folds' values as JSON."""
        mean, deviation = self.mean, self.deviation
        first = self.reports[0]
        content = {
            "model": first.model,
            "data": first.data,
            "seed": first.seed,
            "split": first.split,
            "num_folds": len(self.reports),
            "seconds": round(sum(r.seconds for r in self.reports), 1),
            "metrics": {
                key: {
                    "mean": _plain(mean[key]),
                    "deviation": _plain(deviation[key]),
                    "folds": [_plain(value) for value in values],
                }
                for key, values in self.metrics.items()
            },
            "versions": first.versions,
            "command": first.command,
        }
        text = json.dumps(content, indent=2) + "\n"
        write_text(path, text)


def _plain(value):
    # JSON has no NaN; a metric that is not defined is null.
    return None if math.isnan(value) else value


def _count(data, num_folds) -> int:
    if callable(data):
        if num_folds is None:
            raise ValueError(
                "`num_folds` is needed where `data` is a function of the "
                "fold. Received: num_folds=None"
            )
    elif num_folds not in (None, len(data)):
        raise ValueError(
            f"`data` holds {len(data)} folds. Received: num_folds={num_folds}"
        )
    else:
        num_folds = len(data)
    if not isinstance(num_folds, int) or num_folds < 2:
        raise ValueError(
            "Cross-validation needs at least 2 folds. "
            f"Received: num_folds={num_folds!r}"
        )
    return num_folds


def _check_datasets(fold, datasets):
    keys = sorted(datasets) if isinstance(datasets, dict) else []
    has_train = "train" in keys
    if not (has_train and ("test" in keys or "validation" in keys)):
        raise ValueError(
            f"Fold {fold} must be a dict with 'train' and with 'test' or "
            f"'validation' to be measured on. Received: {listed(keys)}"
        )
