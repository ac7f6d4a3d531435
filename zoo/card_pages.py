"""Pages made of cards: `docs/zoo/NAME.md`, and the README's table."""

import re
from pathlib import Path

from zoo import registry
from zoo.card import Card

_START = "<!-- The table is written by `python -m tools.card --pages`. -->"
_END = "<!-- End of the table. -->"
# The logs end with them; best first where a task has several.
_HEADLINES = (
    "span_f1",
    "mean_iou",
    "iou",
    "mean_auc",
    "auc",
    "c_index",
    "r2",
    "accuracy",
    "f1",
    "rmse",
    "mae",
)
_TITLES = {
    "accuracy": "accuracy",
    "auc": "AUC",
    "c_index": "C-index",
    "f1": "F1",
    "iou": "IoU",
    "mae": "MAE",
    "mean_auc": "mean AUC",
    "mean_iou": "IoU",
    "r2": "R2",
    "rmse": "RMSE",
    "span_f1": "span F1",
}
_CLASSES_SHOWN = 12


def write(root: Path) -> list[Path]:
    """Writes all pages, and the table in the README.

    Args:
        root: `pathlib.Path` of the clone.

    Returns:
        List of the paths that were written.
    """
    paths = []
    for name, text in pages(root).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def pages(root: Path) -> dict[str, str]:
    """Makes all pages, and the README with its table.

    Args:
        root: `pathlib.Path` of the clone.

    Returns:
        Dict of path within the clone to text.
    """
    cards = [registry.info(name) for name in registry.list_models()]
    made = {f"docs/zoo/{card['name']}.md": page(card, root) for card in cards}
    readme = (root / "README.md").read_text(encoding="utf-8")
    before, _, rest = readme.partition(_START)
    _, _, after = rest.partition(_END)
    made["README.md"] = f"{before}{_START}\n{table(cards)}\n{_END}{after}"
    return made


def table(cards: list[Card]) -> str:
    """Makes the README's table of the zoo.

    Args:
        cards: List of `Card`.

    Returns:
        String, Markdown.
    """
    rows = [
        [
            "model",
            "outputs",
            "data",
            "parameters",
            "metrics on the test split",
            "each task alone",
        ]
    ]
    for card in cards:
        for index, figures in enumerate(_all_figures(card) or [{}]):
            rows.append(_row(card, figures, is_first=not index))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def _all_figures(card) -> list[dict]:
    """Returns the figures, and those of weights that were measured once."""
    figures = sorted(
        card.get("figures", ()), key=lambda each: bool(each.get("recipe"))
    )
    known = {each.get("weights") for each in figures}
    for name, facts in card.get("weights", {}).items():
        if name not in known and facts.get("metrics"):
            metrics = {key: [v, None] for key, v in facts["metrics"].items()}
            figures.append(
                {
                    "weights": name,
                    "data": facts["data"],
                    "split": facts["split"],
                    "seeds": [facts["seed"]],
                    "metrics": metrics,
                }
            )
    return figures


def _row(card, figures, *, is_first) -> list[str]:
    together = figures.get("metrics", {})
    alone = figures.get("single_task") or {}
    keys = headlines(card, together)
    title = f"[`{card['name']}`](docs/zoo/{card['name']}.md)"
    size = card["num_parameters"]
    if not is_first:
        name = figures.get("weights")
        title = f"its weights `{name}`" if name else "the same"
        if figures.get("recipe"):
            # Its overrides may change the model.
            title, size = f"its recipe `{Path(figures['recipe']).stem}`", None
        facts = card.get("weights", {}).get(figures.get("weights"), {})
        size = facts.get("num_parameters", size)
    return [
        title,
        ", ".join(card["tasks"]),
        f"`{figures.get('data', card.default_data)}`",
        "-" if size is None else f"{size:,}",
        _short(card, keys, together, titles=True),
        _short(card, keys, alone, titles=False) if alone else "-",
    ]


def headlines(card: Card, metrics: dict) -> list[str]:
    """Chooses one metric a task, in the tasks' order.

    Args:
        card: `Card`.
        metrics: Dict of log key to `[mean, spread]`.

    Returns:
        List of log keys; a task without metrics is left out.
    """
    keys = []
    for task in card["tasks"]:
        for ending in _HEADLINES:
            if f"{task}_{ending}" in metrics:
                keys.append(f"{task}_{ending}")
                break
    return keys


def _short(card, keys, metrics, *, titles) -> str:
    parts = []
    for key in keys:
        value = metrics.get(key)
        text = "-" if not value or value[0] is None else _shortened(value[0])
        if titles:
            task = max(
                (t for t in card["tasks"] if key.startswith(f"{t}_")), key=len
            )
            ending = key.removeprefix(f"{task}_")
            title = _TITLES.get(ending, ending)
            # "command accuracy", and "slot span F1" as it stands.
            text = f"{task.replace('_', ' ')} {title} {text}"
        parts.append(text)
    return ", ".join(parts) or "-"


def _shortened(value: float) -> str:
    text = f"{value:.3f}"
    return text.removeprefix("0") if 0 < value < 1 else text


def page(card: Card, root: Path) -> str:
    """Makes the page of a model.

    Args:
        card: `Card`.
        root: `pathlib.Path` of the clone, whose `docs/images` may show it.

    Returns:
        String, Markdown.
    """
    name = card["name"]
    parts = [f"# {name}", card.get("summary", "")]
    image = f"docs/images/{name}.png"
    if (root / image).exists():
        parts.append(
            f"![Outputs on examples of the test split](../images/{name}.png)"
        )
    parts += [
        _outputs(card),
        "## Use it",
        f"```python\n{_example(card)}\n```",
        *_size(card),
        "## Data",
        *map(_data, card["data"].items()),
        *_figures(card),
        *_comparisons(card),
        *_weights(card),
        *_published(card),
    ]
    if card.get("notes"):
        parts += ["## Notes", _bullets(card["notes"])]
    parts.append(
        "*This page is made of the model's card by "
        "`python -m tools.card --pages`.*"
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _outputs(card) -> str:
    rows = [["output", "kind", "what it is"], ["---"] * 3]
    for name, task in card["tasks"].items():
        answer = task.get("answer", task["kind"])
        classes = task.get("class_names") or task.get("names") or ()
        if 0 < len(classes) <= _CLASSES_SHOWN:
            answer += f": {', '.join(classes)}"
        # A class may be named "<1H OCEAN".
        answer = answer.replace("<", "&lt;").replace("|", "\\|")
        rows.append([f"`{name}`", task["kind"], answer])
    return _as_table(rows)


def _as_table(rows) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _bullets(lines) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _example(card) -> str:
    name, weights = card["name"], list(card.get("weights", {}))
    loaded = f', weights="{weights[0]}"' if weights else ""
    return "\n".join(
        [
            "import zoo",
            "",
            f'model = zoo.load("{name}"{loaded})',
            "model.compile()",
            f'test = zoo.dataset("{name}", "test")',
            "print(model.evaluate(test, return_dict=True))",
        ]
    )


def _size(card) -> list[str]:
    if "num_parameters" not in card:
        return []
    text = f"{card['num_parameters']:,} parameters"
    if card.get("macs"):
        macs = card["macs"]
        text += f"; {macs['value']:,} multiply-accumulates ({macs['input']})"
    return [f"{text}."]


def _data(item) -> str:
    name, facts = item
    parts = [f"`{name}`"]
    if facts.get("splits"):
        sizes = [f"{split} {n:,}" for split, n in facts["splits"].items()]
        parts.append(", ".join(sizes))
    if facts.get("licence"):
        parts.append(f"licence {facts['licence']}")
    return "; ".join(parts) + "."


def _figures(card) -> list[str]:
    parts = []
    for figures in _all_figures(card):
        seeds = figures["seeds"]
        each = f"{len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}"
        parts += [
            f"## Metrics: {figures['split']} split of `{figures['data']}`, "
            f"{each}{_of_weights(card, figures)}",
        ]
        alone = figures.get("single_task") or {}
        rows = [["metric", "all tasks", "each task alone"], ["---"] * 3]
        for key in sorted({*figures["metrics"], *alone}):
            rows.append(
                [
                    key,
                    _summary(figures["metrics"].get(key)),
                    _summary(alone.get(key)),
                ]
            )
        parts.append(_as_table(rows))
        if figures.get("command"):
            parts.append(f"```sh\n{figures['command']}\n```")
    return parts


def _of_weights(card, figures) -> str:
    """Names the weights, where a card has several."""
    name = figures.get("weights")
    is_one = len(card.get("weights", {})) < 2
    return "" if is_one or name is None else f", weights `{name}`"


def _summary(value) -> str:
    if value is None or value[0] is None:
        return "-"
    mean, spread = value
    text = f"{mean:.4f}"
    return text if spread is None else f"{text} ± {spread:.4f}"


def _comparisons(card) -> list[str]:
    parts = []
    for comparison in card.get("comparisons", ()):
        rows = comparison["rows"]
        keys = sorted(rows[0]["metrics"])
        heads = [*keys, "gain %", "delta m %", "parameters", "s a step"]
        lines = [["", *heads], ["---"] * (1 + len(heads))]
        for row in rows:
            size = row.get("num_parameters")
            lines.append(
                [
                    row["name"],
                    *(_summary(row["metrics"][key]) for key in keys),
                    _percent(row["gain"]),
                    _percent(row["delta_m"]),
                    "-" if size is None else f"{size:,}",
                    f"{row['seconds_per_step']:.4f}",
                ]
            )
        for row in comparison.get("references", ()):
            values = (row["metrics"].get(key) for key in keys)
            lines.append(
                [
                    row["name"],
                    *("-" if v is None else f"{v:.4f}" for v in values),
                    *["-"] * 4,
                ]
            )
        parts += [
            f"## {comparison['title']}",
            f"{comparison['split'].capitalize()} split, "
            f"{len(comparison['seeds'])} seeds. STL: each task trained alone, "
            "with the same trunk, steps and recipe. The gain over STL is the "
            "mean over the tasks (LibMTL; higher is better), delta m that "
            "over the metrics (lower is better).",
            _as_table(lines),
            _bullets(comparison.get("notes", ())),
            f"```sh\n{comparison['command']}\n```",
        ]
    return parts


def _percent(value) -> str:
    if value is None or value[0] is None:
        return "-"
    mean, spread = value
    # A mean of gains and losses may be a zero with a sign.
    text = f"{mean:+.2f}" if round(mean, 2) else "0.00"
    return text if spread is None else f"{text} ± {spread:.2f}"


def _weights(card) -> list[str]:
    if not card.get("weights"):
        return []
    lines = []
    for name, facts in card["weights"].items():
        line = f"`{name}`: {facts['bytes'] / 1e6:.2f} MB"
        if facts.get("base"):
            line += f" over `{facts['base']}`"
        line += f", seed {facts['seed']}, licence {facts['licence']}"
        for task, decision in facts.get("decisions", {}).items():
            values = ", ".join(f"{k} {v:g}" for k, v in decision.items())
            line += f"; {task}: {values}"
        if "seconds" in facts:
            line += f", trained in {facts['seconds'] / 60:.1f} minutes"
            line += f" on {facts.get('machine', 'two CPU cores')}"
        lines.append(line)
    return ["## Weights", _bullets(lines)]


def _published(card) -> list[str]:
    rows = card.get("published") or ()
    lines = []
    for row in rows:
        metrics = ", ".join(
            f"{key} {value}"
            for key, value in row.items()
            if key not in ("model", "source")
        )
        lines.append(f"{row['model']}: {metrics} ({row['source']})")
    return ["## Published by others", _bullets(lines)] if lines else []


def readme_table(text: str) -> str:
    """Finds the table in a README.

    Args:
        text: String, the README.

    Returns:
        String, the table.

    Raises:
        ValueError: If the marks around it are missing.
    """
    match = re.search(
        f"{re.escape(_START)}\n(.*?)\n{re.escape(_END)}", text, re.DOTALL
    )
    if match is None:
        raise ValueError(
            f"The README lacks the marks of the table. Expected {_START!r} "
            f"and {_END!r}. Put them around it."
        )
    return match.group(1)
