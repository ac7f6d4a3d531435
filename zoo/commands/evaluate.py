"""Measures a trained model: `python -m tools.evaluate --model cls_det_box`."""

import json
import math
import sys
from pathlib import Path

from absl import flags

from zoo.commands import SUMMARIES, app, selection


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_string(
        "split", "test", "Split of the data to measure on.", flag_values=values
    )
    flags.DEFINE_integer(
        "batch_size",
        64,
        "Examples a batch; the figures do not depend on it.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )
    flags.DEFINE_string(
        "output", None, "JSON file to write the figures to.", flag_values=values
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Evaluates and prints a table."""
    del operands
    chosen = selection.read(values)
    model = chosen.load()
    dataset = chosen.dataset(values.split, values.batch_size, values.data_dir)
    model.compile()
    metrics = model.evaluate(
        dataset, return_dict=True, verbose=1 if sys.stdout.isatty() else 0
    )
    metrics = {name: float(value) for name, value in metrics.items()}
    print(heading(chosen.name, chosen.data, values.split))
    print(table(metrics, model.tasks))
    if values.output:
        figures = {
            "model": chosen.name,
            "data": chosen.data,
            "weights": str(chosen.weights),
            "split": values.split,
            # JSON has no NaN; a metric that is not defined is null.
            "metrics": {
                name: None if math.isnan(value) else value
                for name, value in metrics.items()
            },
        }
        text = json.dumps(figures, indent=2) + "\n"
        Path(values.output).write_text(text, encoding="utf-8")


def heading(model: str, data: str, split: str) -> str:
    """Writes the line above a table of figures."""
    return f"{model} on {data}, {split} split"


def table(metrics: dict, tasks) -> str:
    """Writes logs as a table, one line a task, one column a metric.

    Args:
        metrics: Dict from log key (`"cls_accuracy"`) to float.
        tasks: Names of the tasks.

    Returns:
        String of several lines.
    """
    figures = {
        task: {
            key.removeprefix(f"{task}_"): value
            for key, value in metrics.items()
            if key.startswith(f"{task}_")
        }
        for task in tasks
    }
    columns = sorted({name for row in figures.values() for name in row})
    rows = [["", *columns]]
    for task, row in figures.items():
        cells = [f"{row[c]:.4f}" if c in row else "" for c in columns]
        rows.append([task, *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [
            cell.rjust(width)
            for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(lines)


_COMMAND = app.Command(
    name="evaluate",
    summary=SUMMARIES["evaluate"],
    usage="--model=NAME | --workdir=FOLDER [--split=SPLIT] [flags]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
