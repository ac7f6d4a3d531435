"""Measures an entry and writes its card; metrics come from finished runs."""

import json
import shlex
import statistics
from pathlib import Path

from mtl_keras import files
from mtl_keras.messages import listed
from zoo import (
    loading,
    prepared_data,
    registry,
    saved,
    weights,
    weights_file,
)
from zoo.card import Card

_ANSWERS = {
    "presence": "whether it is there, a probability",
    "box": "where it is: x1, y1, x2, y2 as fractions of width and height",
    "depth": "how far away each pixel is",
    "normals": "the direction of the surface at each pixel, a unit vector",
    "regression": "a number",
    "survival": "a risk, higher for an earlier event",
}
_DIGITS = 4
# Larger files of weights are stored as float16.
_MOST_BYTES = 8e6


def describe(name: str, entry) -> dict:
    """Measures what an entry is, from its own code.

    Args:
        name: String, the model's name.
        entry: `zoo.Entry`.

    Returns:
        Dict, a card's content without weights and metrics.
    """
    from mtl_keras.profiling.macs import macs

    spec = entry.spec(next(iter(entry.data)))
    model = entry.build(spec)
    counted = entry.countable(spec)
    documented = (type(entry).__doc__ or name).strip()
    inputs = {
        tensor.name: {"shape": list(tensor.shape[1:]), "dtype": tensor.dtype}
        for tensor in model.inputs
    }
    return {
        "name": name,
        "module": type(entry).__module__,
        "summary": entry.summary or documented.splitlines()[0],
        **({"reads": entry.reads} if entry.reads else {}),
        **({"checks_folders": True} if entry.check_example else {}),
        "tasks": {
            task.name: _describe_task(task, entry.answers.get(task.name))
            for task in entry.tasks(spec)
        },
        "inputs": inputs,
        "num_parameters": model.count_params(),
        "macs": {
            "input": ", ".join(
                f"{tensor.name} {' x '.join(map(str, tensor.shape[1:]))}"
                for tensor in counted.inputs
            ),
            "value": macs(counted),
        },
        "data": {},
        "published": list(entry.published),
        **({"notes": list(entry.notes)} if entry.notes else {}),
    }


def describe_data(entry, data: str, data_dir=None) -> dict:
    """Reads what a card says about a data set from its builder.

    Args:
        entry: `zoo.Entry`.
        data: String, a key of `entry.data`.
        data_dir: Folder of prepared data sets.

    Returns:
        Dict with `"builder"`, `"version"`, `"splits"` and `"licence"`.
    """
    builder = prepared_data.prepared_builder(entry, data, data_dir)
    return {
        "builder": entry.data[data],
        "version": str(builder.info.version),
        "splits": {
            split: info.num_examples
            for split, info in builder.info.splits.items()
        },
        "licence": builder.info.redistribution_info.license or None,
    }


def summarize(workdirs: list[Path]) -> dict:
    """Puts the reports of one recipe's runs together.

    Args:
        workdirs: List of paths of finished runs that differ in their seed.

    Returns:
        Dict with `"data"`, `"split"`, `"seeds"`, `"metrics"` (name to
        `[mean, spread]`, the spread being the sample standard deviation over
        the seeds, `None` for one), `"epochs"`, `"num_parameters"`,
        `"versions"`, `"command"` (the first run's), and `"recipe"` where the
        command names another recipe of the zoo than the model's own.

    Raises:
        ValueError: If a run has no report, or they are not of one recipe.
    """
    reports = [_read(workdir, "report.json") for workdir in workdirs]
    configs = [_read(workdir, "config.json") for workdir in workdirs]
    first = reports[0]
    for workdir, report, config in zip(workdirs, reports, configs, strict=True):
        for content, expected in ((report, first), (config, configs[0])):
            different = [
                key
                for key in ("model", "data", "split", "epochs", "overrides")
                if content.get(key) != expected.get(key)
            ]
            if different:
                raise ValueError(
                    "The workdirs must be runs of one recipe. Received: "
                    f"{str(workdir)!r}, which differs from "
                    f"{str(workdirs[0])!r} in {listed(different)}"
                )
    command = _anywhere(first["command"])
    recipe = registry.recipe_of(command)
    seeds = [report["seed"] for report in reports]
    if len(set(seeds)) < len(seeds):
        raise ValueError(
            f"The workdirs must have different seeds. Received: seeds {seeds}"
        )
    return {
        "data": first["data"],
        "split": first["split"],
        "seeds": seeds,
        "metrics": {
            name: _mean_and_spread(
                [report["metrics"][name] for report in reports]
            )
            for name in sorted(first["metrics"])
            if _is_figure(name)
        },
        "epochs": first["epochs"],
        "num_parameters": first["num_parameters"],
        "versions": first["versions"],
        **({"recipe": recipe} if recipe else {}),
        "command": command,
    }


def _anywhere(command: str | None) -> str | None:
    """Writes a command without the folders of the machine that ran it."""
    if command is None:
        return None
    parts = [
        f"--workdir=runs/{Path(part).name}"
        if part.startswith("--workdir=")
        else part
        for part in shlex.split(command)
    ]
    return shlex.join(parts)


def summarize_single(workdirs: list[Path]) -> dict:
    """Puts the runs of the same trunk on each task alone together.

    Args:
        workdirs: List of paths of finished runs, each with one task.

    Returns:
        Dict from metric name to `[mean, spread]`.

    Raises:
        ValueError: If a run has several tasks.
    """
    by_task = {}
    for workdir in workdirs:
        overrides = _read(workdir, "config.json").get("overrides") or {}
        tasks = overrides.get("tasks") or ()
        if len(tasks) != 1:
            raise ValueError(
                "A single-task run has one task in its recipe: "
                "--config.overrides.tasks=\"('cls',)\". "
                f"Received: {str(workdir)!r} with tasks={tasks!r}"
            )
        by_task.setdefault(tasks[0], []).append(workdir)
    metrics = {}
    for runs in by_task.values():
        metrics.update(summarize(runs)["metrics"])
    return metrics


def comparison(workdir: Path) -> dict:
    """Reads what a card says about a finished comparison.

    Args:
        workdir: Path of the workdir of `tools.compare`.

    Returns:
        Dict with `"title"`, `"data"`, `"split"`, `"seeds"`, `"rows"` (the
        models of single tasks first), `"notes"` and `"command"`.

    Raises:
        ValueError: If the folder holds no finished comparison.
    """
    table = _read(Path(workdir), "table.json")
    has_sharing = "--sharing=" in table["command"]
    return {
        "title": "Architectures of sharing" if has_sharing else "Balancers",
        **{key: table[key] for key in ("data", "split", "seeds")},
        "rows": [
            {
                "name": row["name"],
                "metrics": {
                    key: _rounded(value)
                    for key, value in row["metrics"].items()
                },
                "gain": _rounded(row["delta_libmtl"]),
                "delta_m": _rounded(row["delta_m"]),
                **{
                    key: row[key]
                    for key in ("num_parameters", "macs")
                    if key in row
                },
                "seconds_per_step": round(row["seconds_per_step"]["mean"], 5),
            }
            for row in table["rows"]
        ],
        **(
            {"references": table["references"]} if "references" in table else {}
        ),
        "notes": table["notes"],
        "command": _anywhere(table["command"]),
    }


def _rounded(summary: dict) -> list:
    return [
        None if value is None else round(value, _DIGITS)
        for value in (summary["mean"], summary["spread"])
    ]


def ship(card: Card, name: str, workdirs: list[Path]) -> dict:
    """Puts the best run's weights into the package.

    Over a pretrained trunk that was frozen or adapted by LoRA, these are light
    weights. The best run is the one with the best validation metric, the
    recipe's `monitor`; the test split is not used to choose it.

    Args:
        card: `Card` of the model.
        name: String, the weights' name on the card.
        workdirs: List of paths of finished runs.

    Returns:
        Dict, what the card says of the weights.
    """
    best = min(workdirs, key=_validation_score)
    config = _read(best, "config.json")
    report = _read(best, "report.json")
    overrides = config.get("overrides") or {}
    model = loading.load(
        card["name"],
        config["data"],
        best / "model.weights.h5",
        **overrides,
    )
    path = weights.CHECKPOINTS / f"{card['name']}-{name}"
    path.parent.mkdir(exist_ok=True)
    facts = {}
    # With these, the pretrained trunk is unchanged.
    if overrides.get("trainable") in ("lora", "none"):
        path = path.with_name(f"{path.name}.light.npz")
        facts = saved.save_light(model, path)
    else:
        path = path.with_name(f"{path.name}.weights.h5")
        # Saved from a fresh model: without optimizer and balancer.
        model.save_weights(path)
        if path.stat().st_size > _MOST_BYTES:
            weights_file.halve(path)
    recipe = registry.recipe_of(report["command"])
    decisions = saved.decisions(best)
    return {
        "file": path.name,
        "sha256": files.sha256(path),
        "bytes": path.stat().st_size,
        **facts,
        "data": config["data"],
        "overrides": overrides,
        **({"recipe": recipe} if recipe else {}),
        **({"decisions": decisions} if decisions else {}),
        "seed": config["seed"],
        "num_parameters": report["num_parameters"],
        "epochs": report["epochs"],
        "seconds": report["seconds"],
        "split": report["split"],
        "metrics": {
            name: value
            for name, value in report["metrics"].items()
            if _is_figure(name)
        },
        "licence": _licence(card["data"].get(config["data"], {})),
    }


def _licence(data: dict) -> str:
    """Returns the licence of weights: that of share-alike data, or ours."""
    licence = data.get("licence") or ""
    return licence if "-SA-" in licence else "Apache-2.0"


def _is_figure(name: str) -> bool:
    """Tells a metric from a loss, whose scale means nothing on a card."""
    return name != "loss" and not name.endswith("_loss")


def _describe_task(task, answer=None) -> dict:
    facts = {"kind": task.kind}
    if task.num_classes:
        each = {"mask": " a pixel", "tagging": " a token"}.get(task.kind, "")
        facts["answer"] = f"one of {task.num_classes} classes{each}"
        facts["num_classes"] = task.num_classes
        facts["class_names"] = list(task.class_names)
    else:
        facts["answer"] = _ANSWERS.get(task.kind, task.kind)
    if task.is_group:
        facts["answer"] += f", of each of {len(task.members)}"
        facts["names"] = list(task.members)
    if answer is not None:
        facts["answer"] = answer
    return facts


def _mean_and_spread(values: list) -> list:
    if any(value is None for value in values):
        return [None, None]
    spread = statistics.stdev(values) if len(values) > 1 else None
    return [
        round(statistics.fmean(values), _DIGITS),
        None if spread is None else round(spread, _DIGITS),
    ]


def _validation_score(workdir: Path) -> float:
    """Returns the validation metric of a run's weights, lower being better."""
    config = _read(workdir, "config.json")
    lines = (workdir / "metrics.jsonl").read_text(encoding="utf-8")
    metrics = [json.loads(line) for line in lines.splitlines()]
    if not config.get("monitor"):
        # Without a monitor the weights are those of the last epoch.
        return metrics[-1]["val_loss"]
    values = [line[config["monitor"]] for line in metrics]
    return -max(values) if config["mode"] == "max" else min(values)


def _read(workdir: Path, name: str) -> dict:
    path = Path(workdir) / name
    if not path.is_file():
        raise ValueError(
            f"{str(workdir)!r} is not the workdir of a finished run: there "
            f"is no {name}"
        )
    return files.read_json_object(path)


def write(card: Card) -> Path:
    """Writes a card's file and makes the registry read it.

    Args:
        card: `Card`.

    Returns:
        `pathlib.Path` of the file.
    """
    path = registry.CARDS / f"{card['name']}.json"
    path.parent.mkdir(exist_ok=True)
    card.write(path)
    registry.reread()
    return path
