"""What a search leaves: a table, plots and the best recipe."""

import dataclasses
import json
from pathlib import Path

from mtl_keras import files
from zoo import recipe_file
from zoo.commands.tune import trial as trials

_FILES = ("table.md", "table.json", "parallel.png", "progress.png")
RECIPE = "best_recipe.py"


def gather(oracle, hypermodel, description: dict, references: dict) -> dict:
    """Puts together what the trials have reached.

    Args:
        oracle: The search's oracle.
        hypermodel: `zoo.hypermodels.ZooHyperModel`.
        description: Dict with `"space"`, `"tuner"`, `"command"` and
            `"workdir"`.
        references: Dict, log key to float, of single-task models; empty where
            they were not needed.

    Returns:
        Dict, as in `table.json`.
    """
    from mtl_keras import engine
    from mtl_keras.tuning import objective as objectives
    from mtl_keras.tuning.space import short

    sought, recipe = hypermodel.sought, hypermodel.recipe
    rows = []
    for name in sorted(oracle.trials, key=int):
        trial = oracle.trials[name]
        target = trials.folder(description["workdir"], name)
        result = trials.result(target) or {}
        values = short(dict(trial.hyperparameters.values))
        rows.append(
            {
                "trial": int(name),
                "status": trial.status.lower(),
                "objective": result.get("objective"),
                "metrics": result.get("metrics", {}),
                "epochs": result.get("epochs"),
                "seconds": result.get("seconds"),
                "error": result.get("error"),
                "values": {
                    key: value
                    for key, value in values.items()
                    if not key.startswith("tuner/")
                },
            }
        )
    counted = sought.counted
    left_out = []
    if sought.is_gain:
        defined = objectives.defined(counted, references)
        left_out = sorted(set(counted) - set(defined))
    splits = recipe.get("splits") or {}
    return {
        "model": recipe.model,
        "data": recipe.get("data"),
        "split": splits.get("validation", "validation"),
        "space": description["space"],
        "tuner": description["tuner"],
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "objective": {
            "name": sought.name,
            "is_higher_better": sought.is_higher_better,
        },
        "measures": {k: dataclasses.asdict(m) for k, m in counted.items()},
        "references": references,
        "left_out": left_out,
        "hyperparameters": [_described(hp) for hp in oracle.get_space().space],
        "rows": rows,
        "recipe": _recipe_itself(rows, recipe.epochs),
        "best": best(rows, sought, recipe.epochs),
        "versions": engine.versions(),
        "command": description["command"],
    }


def best(rows: list[dict], sought, epochs: int) -> int | None:
    """Chooses the best trial among those that were trained longest.

    One of fewer epochs than the recipe's stopped in the middle of its
    schedule, and its recipe would not reach the same again.

    Args:
        rows: List of dicts, as of `gather`.
        sought: `mtl_keras.tuning.objective.Objective`.
        epochs: Integer, the recipe's.

    Returns:
        Integer, its number; `None` where none was trained to the end.
    """
    chosen = None
    for row in rows:
        if row["objective"] is None or row["epochs"] != epochs:
            continue
        if chosen is None or sought.better(
            row["objective"], chosen["objective"]
        ):
            chosen = row
    return None if chosen is None else chosen["trial"]


def _recipe_itself(rows, epochs) -> int | None:
    """Finds the trial of the recipe itself that was trained to the end."""
    for row in rows:
        is_whole = row["objective"] is not None and row["epochs"] == epochs
        if is_whole and row["values"] == rows[0]["values"]:
            return row["trial"]
    return None


def write(table: dict, hypermodel, oracle, workdir: Path) -> list[Path]:
    """Writes the table, the plots and the best trial's recipe.

    Args:
        table: Dict of `gather`.
        hypermodel: `zoo.hypermodels.ZooHyperModel`.
        oracle: The search's oracle.
        workdir: Path of the search's folder.

    Returns:
        List of the files' paths.
    """
    from mtl_keras import plots
    from mtl_keras.training import report
    from mtl_keras.tuning import table as pages

    # JSON has no NaN; a figure that is not defined is null.
    plain = report.plain(table)
    texts = {
        "table.json": json.dumps(plain, indent=2) + "\n",
        "table.md": pages.markdown(plain),
    }
    for name, text in texts.items():
        files.write_text(workdir / name, text)
    written = [workdir / name for name in _FILES]
    if table["best"] is None:
        return written[:2]
    plots.parallel(plain, workdir / "parallel.png")
    plots.progress(plain, workdir / "progress.png")
    (row,) = [r for r in table["rows"] if r["trial"] == table["best"]]
    (trial,) = [t for n, t in oracle.trials.items() if int(n) == row["trial"]]
    sought = table["objective"]["name"]
    recipe_file.write(
        hypermodel.config(trial.hyperparameters),
        workdir / RECIPE,
        [
            f"The best recipe of a search of {table['model']}.",
            f"Trial {row['trial']} reached {sought}={row['objective']:.6g} on "
            f"the split {table['split']}. Made by",
            f"    {table['command']}",
        ],
    )
    return [*written, workdir / RECIPE]


def _described(hp) -> dict:
    """Writes a hyperparameter's range as data, for the plot's axes."""
    description = {"name": hp.name, "conditions": []}
    for condition in hp.conditions:
        description["conditions"].append(
            {"name": condition.name, "values": list(condition.values)}
        )
    if hasattr(hp, "min_value"):
        description |= {"low": hp.min_value, "high": hp.max_value}
        description["is_log"] = hp.sampling == "log"
    else:
        description["choices"] = list(hp.values)
    return description
