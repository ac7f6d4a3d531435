"""Looks at a folder of data: `python -m tools.inspect --model M --data F`."""

import collections
from pathlib import Path

from absl import flags

from zoo import registry
from zoo.commands import SUMMARIES, app, colour, folder_flags

_MOST_CLASSES = 30


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_string(
        "model", None, "Name of a model of the zoo.", flag_values=values
    )
    flags.DEFINE_string(
        "data", None, "Folder of your own data.", flag_values=values
    )
    flags.DEFINE_list(
        "tasks",
        None,
        "Tasks of the model to look at. Without it, all.",
        flag_values=values,
    )
    folder_flags.define(values)
    flags.DEFINE_integer(
        "max_tokens",
        512,
        "Words of the longest sentence that is no error.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_string(
        "output",
        "inspect.png",
        "PNG file to draw examples to; empty for none.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Prints what the folder holds, and draws examples of it.

    Raises:
        ValueError: If training on it would fail.
    """
    del operands
    from zoo.commands import inspect_drawing
    from zoo.datasets.folders.inspection import Inspection

    inspection = Inspection(
        open_folder(values),
        values.max_tokens,
        required=values.tasks or (),
        numbered=_folder_classes(values.model),
    )
    print(report(inspection), end="")
    if line := colour.note(values.model, values.data):
        print(line)
    if values.output and inspection.drawn:
        print(inspect_drawing.draw(inspection, Path(values.output)))
    if inspection.num_errors:
        raise ValueError(
            f"Training on {values.data!r} would fail: "
            f"{_counted(inspection.num_errors, 'error')}. Correct the lines "
            "marked `error` above."
        )


def open_folder(values: flags.FlagValues):
    """Reads the flags and recognises the folder's layout.

    Args:
        values: Parsed flags.

    Returns:
        `zoo.datasets.folders.Source`.

    Raises:
        ValueError: If a flag is missing or names nothing.
    """
    import zoo
    from mtl_keras.messages import unknown
    from zoo.datasets import folders

    if values.model is None or values.data is None:
        raise ValueError(
            "Expected --model, a model of the zoo, and --data, a folder. "
            f"Received: --model={values.model} --data={values.data}"
        )
    card = zoo.info(values.model)
    kinds = {name: task["kind"] for name, task in card["tasks"].items()}
    for task in values.tasks or ():
        if task not in kinds:
            raise ValueError(
                unknown(f"task of {values.model!r}", task, kinds, values.tasks)
            )
    if values.tasks:
        kinds = {task: kinds[task] for task in values.tasks}
    classes = _folder_classes(values.model)
    rules = {"classes": {t: classes[t] for t in kinds if t in classes}}
    if card.get("checks_folders"):
        rules["check"] = registry.find(values.model).entry.check_example
    return folders.read(
        values.data,
        kinds,
        inputs_of(card),
        layout=values.layout,
        columns=folder_flags.columns(values),
        **rules,
    )


def _folder_classes(model):
    """Returns the classes that hold for each folder, by task."""
    # Of other models no entry and no backend is imported.
    if not registry.info(model).get("checks_folders"):
        return {}
    return registry.find(model).entry.folder_classes


def inputs_of(card) -> str:
    """Returns what a model reads, such as `"image"` or `"table"`.

    Args:
        card: `zoo.card.Card`.

    Raises:
        ValueError: If the model reads no folders.
    """
    # The zoo's cards say it, so that no entry and no backend is imported.
    inputs = card.get("reads") or registry.find(card["name"]).entry.reads
    if inputs is None:
        raise ValueError(
            "Expected a model that reads folders of your own. Received: "
            f"--model={card['name']}, which says nothing in `Entry.reads`"
        )
    return inputs


def report(inspection) -> str:
    """Writes what an inspection saw.

    Args:
        inspection: `zoo.datasets.folders.inspection.Inspection`.

    Returns:
        String of several lines.
    """
    source = inspection.source
    lines = [f"{source.folder}: {source.layout}"]
    rows = [
        ["", *inspection.splits],
        [
            "examples",
            *(f"{inspection.num_examples[s]:,}" for s in inspection.splits),
        ],
    ]
    for task, kind in source.kinds.items():
        if kind == "tagging":
            kind = f"{kind}, {source.scan.scheme(task)}"
        rows.append([f"{task} ({kind})"])
        names = inspection.classes(task)
        counts = inspection.counts[task]
        for name in _shown(names, counts):
            numbers = [counts[split, name] for split in inspection.splits]
            rows.append([f"  {name}", *(f"{n:,}" for n in numbers)])
        if len(names) > _MOST_CLASSES:
            rows.append([f"  ... {len(names) - _MOST_CLASSES} other classes"])
    lines += _table(rows)
    # A column that is not declared is found at each sentence.
    problems = collections.Counter(
        f"{'error' if problem.is_error else 'warning'}: {problem}"
        for problem in inspection.problems
    )
    for line, number in problems.items():
        lines.append(line if number == 1 else f"{line} ({number:,} times)")
    lines.append(
        f"{_counted(inspection.num_errors, 'error')}, "
        f"{_counted(inspection.num_warnings, 'warning')}"
    )
    return "\n".join(lines) + "\n"


def _counted(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _shown(names, counts):
    """Picks the most frequent classes, in their order, and the missing."""
    totals = dict.fromkeys(names, 0)
    for (_, name), number in counts.items():
        totals[name] = totals.get(name, 0) + number
    classes = sorted(names[:-1], key=lambda name: -totals[name])
    chosen = {*classes[: _MOST_CLASSES - 1], names[-1]}
    return [name for name in names if name in chosen]


def _table(rows):
    num_columns = max(map(len, rows))
    widths = [
        max(len(row[i]) for row in rows if i < len(row))
        for i in range(num_columns)
    ]
    lines = []
    for first, *cells in rows:
        padded = [
            cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=False)
        ]
        line = "  ".join([first.ljust(widths[0]), *padded])
        lines.append(line.rstrip())
    return lines


_COMMAND = app.Command(
    name="inspect",
    summary=SUMMARIES["inspect"],
    usage="--model=NAME --data=FOLDER [flags]",
    define=define,
    run=run,
    needs_backend=False,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
