"""Trains each task of a recipe alone: what the gain of sharing is over."""

import copy
from pathlib import Path

import keras
from ml_collections import ConfigDict

from mtl_keras import comparison, compat, training
from mtl_keras.tuning.references import References
from mtl_keras.tuning.searched import recipe_alone
from zoo import preparation

FILE = "references.json"
_FOLDER = "references"


def check(config, tasks: list[str]) -> None:
    """Checks that single-task models can be trained by a recipe.

    Args:
        config: `ConfigDict`, the recipe of all tasks.
        tasks: Names of the tasks.

    Raises:
        ValueError: If there is one task only, or the recipe chooses the epoch
            by a metric that other tasks do not have.
    """
    if len(tasks) < 2:
        raise ValueError(
            "The gain is over a model for each task alone, which a model of "
            f"one task is itself. Received: the tasks {', '.join(tasks)}. "
            "Choose its metric as the objective."
        )
    check_monitor(config, tasks)


def check_monitor(config, tasks: list[str]) -> None:
    """Refuses to choose an epoch by a metric that single tasks do not have.

    Args:
        config: `ConfigDict`, the recipe.
        tasks: Names of the tasks.

    Raises:
        ValueError: If `config.monitor` is a metric of one task.
    """
    key = config.get("monitor")
    for task in tasks if key else ():
        if key.removeprefix("val_").startswith(f"{task}_"):
            raise ValueError(
                "A comparison chooses the epoch of every model alike, and a "
                f"model of another task has no {key!r}. Received: "
                f"config.monitor={key!r}. Write --config.monitor=val_loss, or "
                "--config.monitor=None for the last epoch."
            )


def measure(config, objective, workdir, data_dir=None, tell=None) -> dict:
    """Trains and measures each task alone, where that is not done.

    The budget is the recipe's own. What it says about several tasks is left
    out: balancer, loss weights, shared dropout; where the trunk has an
    optimizer of its own, it is that of the whole model.

    Args:
        config: `ConfigDict`, the recipe of all tasks.
        objective: `mtl_keras.tuning.objective.Objective`.
        workdir: Folder for the models and their metrics.
        data_dir: Folder of prepared data sets.
        tell: Function of a string, called with what is being done.

    Returns:
        Dict, log key without `val_` to float or `None`.

    Raises:
        ValueError: If the folder holds metrics of another recipe.
    """
    workdir = Path(workdir)
    references = References(workdir / FILE, {"config": config.to_dict()})
    tasks = sorted({m.task for m in objective.counted.values()})
    for task in references.missing(tasks):
        if tell is not None:
            tell(f"Trains {task} alone, to compare with.")
        folder = workdir / _FOLDER / task
        keras.backend.clear_session()
        compat.release_traced_steps()
        alone = _alone(config, task)
        model, datasets = preparation.prepare(alone, data_dir)
        lines = training.train(model, datasets, alone, folder)
        line = comparison.kept_line(
            lines, config.get("monitor"), config.get("mode")
        )
        references.add(
            task,
            {
                key: line.get(f"val_{key}")
                for key, measure in objective.counted.items()
                if measure.task == task
            },
        )
        training.delete_checkpoints(folder)
    return references.metrics


def _alone(config, task):
    overrides = dict(config.get("overrides") or {})
    alone = copy.deepcopy(config)
    with alone.unlocked(), alone.ignore_type():
        for field, value in recipe_alone(config.to_dict()).items():
            alone[field] = (
                ConfigDict(value) if isinstance(value, dict) else value
            )
        alone.overrides = ConfigDict({**overrides, "tasks": (task,)})
    return alone
