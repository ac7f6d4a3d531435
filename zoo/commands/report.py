"""Writes a page about a model: `python -m tools.report --workdir runs/a`.

One HTML file that needs nothing beside it: the metrics of each task, learning
curves, calibration, thresholds, and for tables the importance of the columns.
"""

import tempfile
from pathlib import Path

from absl import flags

from mtl_keras import files
from zoo.commands import SUMMARIES, app, report_page, selection

_MOST_ROWS = 2000


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_string(
        "output",
        None,
        "HTML file to write. Without it, report.html in the workdir, or "
        "MODEL.html here.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "split", "test", "Split of the data to measure on.", flag_values=values
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )
    flags.DEFINE_integer(
        "repeats",
        3,
        "How often each column of a table is shuffled.",
        lower_bound=1,
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Measures, draws, and writes the page."""
    del operands
    chosen = selection.read(values)
    if values.output is None:
        folder = values.workdir
        name = "report.html" if folder else f"{chosen.name}.html"
        output = Path(folder or ".") / name
    else:
        output = Path(values.output)
    model = chosen.load()
    dataset = chosen.dataset(values.split, 256, values.data_dir)
    model.compile()
    metrics = model.evaluate(dataset, return_dict=True, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            **_curves(values.workdir, model, Path(folder)),
            **_reliability(model, dataset, Path(folder)),
            **_importance(model, chosen, values, Path(folder)),
        }
        page = report_page.html(
            title=f"{chosen.name} on {chosen.data}",
            card=chosen.card,
            split=values.split,
            metrics={key: float(value) for key, value in metrics.items()},
            tasks=list(model.tasks),
            decisions=getattr(model.postprocessor, "decisions", {}),
            figures=figures,
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(output, page)
    print(output)


def _curves(workdir, model, folder) -> dict:
    if workdir is None:
        return {}
    from mtl_keras import plots
    from mtl_keras.training import report

    lines = report.MetricsFile(Path(workdir) / "metrics.jsonl").read()
    if not lines:
        return {}
    path = plots.curves(lines, folder / "curves.png", tasks=list(model.tasks))
    return {"Learning curves": path.read_bytes()}


def _reliability(model, dataset, folder) -> dict:
    from mtl_keras import calibration, plots

    outputs, labels = calibration.predictions(model, dataset)
    decisions = getattr(model.postprocessor, "decisions", {})
    curves = {}
    for name, task in model.tasks.items():
        if task.kind not in ("presence", "classification") or task.is_group:
            continue
        if not (labels[name] >= 0).any():
            continue
        of_task = {
            "as predicted": calibration.reliability(outputs[name], labels[name])
        }
        temperature = decisions.get(name, {}).get("temperature")
        if temperature is not None:
            scaled = calibration.calibrated(outputs[name], temperature)
            of_task["calibrated"] = calibration.reliability(
                scaled, labels[name]
            )
        curves[name] = of_task
    if not curves:
        return {}
    path = plots.reliability(curves, folder / "reliability.png")
    return {"Calibration": path.read_bytes()}


def _importance(model, chosen, values, folder) -> dict:
    """Shuffles the columns of at most 2,000 rows of a table."""
    from zoo import registry

    if registry.find(chosen.name).entry.reads != "table":
        return {}
    from mtl_keras import importance, plots

    columns, labels = _rows(chosen, values)
    keys = _keys(model)

    def score(shuffled):
        inputs, _ = model.preprocessor(shuffled)
        measured = model.evaluate(
            inputs, labels, batch_size=1024, verbose=0, return_dict=True
        )
        return {
            key: measured[key] if is_higher else -measured[key]
            for key, is_higher in keys.items()
        }

    lost = importance.permutation(score, columns, repeats=values.repeats)
    path = plots.importance(lost, folder / "importance.png")
    return {"Importance of the columns": path.read_bytes()}


def _rows(chosen, values) -> tuple:
    """Reads the raw columns and the labels of a split."""
    import numpy as np

    from zoo import loading

    data = loading.open_data(
        chosen.folder or chosen.name,
        chosen.data,
        values.data_dir,
        list(chosen.tasks) if chosen.folder else None,
        {} if chosen.folder else chosen.overrides,
        weights=None if chosen.folder else chosen.weights,
        classes=chosen.classes,
        **chosen.reading,
    )
    columns, labels = {}, {}
    for raw, answers in data.examples(values.split).take(_MOST_ROWS):
        for name, value in raw.items():
            columns.setdefault(name, []).append(value.numpy())
        for name, value in answers.items():
            labels.setdefault(name, []).append(value.numpy())
    return tuple(
        {name: np.array(values) for name, values in part.items()}
        for part in (columns, labels)
    )


def _keys(model) -> dict:
    """Chooses a metric of each task; tells whether higher is better."""
    from mtl_keras import comparison
    from zoo.readme_table import headlines

    logged = [
        f"{task.name}_{metric.name}"
        for task in model.tasks.values()
        for metric in task.default_metrics()
    ]
    measures = comparison.measures(logged, list(model.tasks))
    keys = headlines({"tasks": dict.fromkeys(model.tasks)}, measures)
    return {key: measures[key].is_higher_better for key in keys}


_COMMAND = app.Command(
    name="report",
    summary=SUMMARIES["report"],
    usage="--model=NAME | --workdir=FOLDER [--output=FILE] [--split=SPLIT]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
