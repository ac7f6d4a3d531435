"""A search as a page of Markdown."""

from mtl_keras.comparison.table import figure

_NOT_THERE = "-"


def markdown(table: dict) -> str:
    """Writes a search as Markdown, the best trial first.

    Args:
        table: Dict, as in the tool's `table.json`: `"model"`, `"data"`,
            `"split"`, `"space"`, `"tuner"`, `"epochs"`, `"seed"`,
            `"objective"`, `"measures"`, `"references"`, `"left_out"`,
            `"hyperparameters"`, `"rows"`, `"recipe"` and `"best"` (numbers of
            trials, or `None`), `"versions"` and `"command"`.

    Returns:
        String, Markdown.
    """
    name = table["objective"]["name"]
    is_gain = name == "gain"
    keys = list(table["measures"])
    names = [
        hp["name"]
        for hp in table["hyperparameters"]
        if any(hp["name"] in row["values"] for row in table["rows"])
    ]
    head = ["trial", f"{name} %" if is_gain else name]
    head += [key for key in keys if key != name]
    head += ["epochs", "s", *names]
    lines = [head, ["---:"] * (len(head) - len(names)) + ["---"] * len(names)]
    for row in _sorted(table):
        label = f"{row['trial']}"
        if row["trial"] == table["best"]:
            label = f"**{label}**"
        cells = [
            label,
            figure(row["objective"], 4 - 2 * is_gain, signed=is_gain),
        ]
        cells += [
            figure(row["metrics"].get(key), 4) for key in keys if key != name
        ]
        cells += [_text(row["epochs"]), figure(row["seconds"], 1)]
        cells += [_text(row["values"].get(key)) for key in names]
        lines.append(cells)
    if is_gain:
        cells = ["alone", "0"]
        cells += [figure(table["references"].get(key), 4) for key in keys]
        lines.append([*cells, str(table["epochs"]), "", *[""] * len(names)])
    versions = ", ".join(f"{k} {v}" for k, v in table["versions"].items())
    return "\n".join(
        [
            f"# A search of {table['model']} on {table['data']}",
            "",
            f"Tuner {table['tuner']}, space {table['space']}, "
            f"{table['epochs']} epochs, seed {table['seed']}; measured on the "
            f"split `{table['split']}`. {_summary(table)}",
            "",
            *("| " + " | ".join(line) + " |" for line in lines),
            "",
            *_notes(table),
            "",
            f"Made with {versions} by",
            "",
            f"    {table['command']}",
            "",
        ]
    )


def _summary(table) -> str:
    """Says in a sentence or two what the search has found."""
    rows = {row["trial"]: row for row in table["rows"]}
    name, best = table["objective"]["name"], table["best"]
    if best is None:
        return "No trial was trained to the end."
    reached = rows[best]["objective"]
    text = f"The best is trial {best}, with {name} {_value(table, reached)}."
    own = table["recipe"]
    if best == own:
        text += " It is the recipe itself: no other was better"
        others = [
            row
            for row in _sorted(table)
            if row["objective"] is not None
            and row["epochs"] == table["epochs"]
            and row["trial"] != best
        ]
        if not others:
            return text + "."
        reached = _value(table, others[0]["objective"])
        return f"{text}. Next is trial {others[0]['trial']}, with {reached}."
    if own is not None:
        reached = _value(table, rows[own]["objective"])
        text += f" The recipe itself, trial {own}, has {reached}."
    return text


def _value(table, value) -> str:
    if table["objective"]["name"] == "gain":
        return f"{figure(value, 2, signed=True)} %"
    return figure(value, 4)


def _notes(table) -> list[str]:
    notes = []
    if table["objective"]["name"] == "gain":
        notes.append(
            "- `gain`: the metrics' gain over a model for each task alone, "
            "trained by the same recipe (the row 'alone'), averaged within "
            "each task first, then over the tasks; above 0 is better."
        )
    if table["left_out"]:
        notes.append(
            f"- Left out of the gain: {', '.join(table['left_out'])}; alone "
            "they are 0 or not defined, so that there is no relative gain."
        )
    notes.append(
        "- The best of several trials by the validation split is a little "
        "lucky there: the test split tells what it is worth."
    )
    for row in table["rows"]:
        if row["error"] is not None:
            notes.append(f"- Trial {row['trial']} failed: {row['error']}")
    if any(
        row["epochs"] not in (None, table["epochs"]) for row in table["rows"]
    ):
        notes.append(
            f"- Trials of fewer than {table['epochs']} epochs stopped in the "
            "middle of their schedule, and are not chosen as the best."
        )
    return notes


def _sorted(table) -> list[dict]:
    sign = -1 if table["objective"]["is_higher_better"] else 1

    def order(row):
        value = row["objective"]
        is_whole = row["epochs"] == table["epochs"]
        missing = value is None
        return missing, not is_whole, 0 if missing else sign * value

    return sorted(table["rows"], key=order)


def _text(value) -> str:
    if value is None:
        return _NOT_THERE
    return f"{value:g}" if isinstance(value, float) else str(value)
