"""Pages made of cards: `docs/zoo/NAME.md`, and the README's table."""

from pathlib import Path

from zoo import readme_table, registry
from zoo.card import Card

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
    before, _, rest = readme.partition(readme_table.START)
    _, _, after = rest.partition(readme_table.END)
    made["README.md"] = (
        f"{before}{readme_table.START}\n{readme_table.table(cards)}\n{readme_table.END}{after}"
    )
    return made


def page(card: Card, root: Path) -> str:
    """Makes the page of a model.

    Args:
        card: `Card`.
        root: `pathlib.Path` of the clone, whose `docs/images` may show its
            outputs as a PNG file or as text.

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
    sentence = root / f"docs/images/{name}.txt"
    if sentence.exists():
        # Of a model that reads sentences: what `tools.predict` prints.
        printed = sentence.read_text(encoding="utf-8").rstrip()
        parts.append(f"```text\n{printed}\n```")
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
    sizes = {
        facts.get("num_parameters")
        for facts in card.get("weights", {}).values()
    }
    if sizes - {card["num_parameters"], None}:
        text = f"By default {text}"
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
    for figures in readme_table.all_figures(card):
        seeds = figures["seeds"]
        each = _number(seeds) if len(seeds) > 1 else f"seed {seeds[0]}"
        parts += [
            f"## Metrics: {figures['split']} split of `{figures['data']}`, "
            f"{each}{_of_weights(card, figures)}{_of_recipe(figures)}",
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


def _number(seeds) -> str:
    return "1 seed" if len(seeds) == 1 else f"{len(seeds)} seeds"


def _of_recipe(figures) -> str:
    """Names the recipe, where it is not the model's own."""
    if figures.get("weights") or not figures.get("recipe"):
        return ""
    return f", recipe `{figures['recipe'].removesuffix('.py')}`"


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
            f"{_number(comparison['seeds'])}. STL: each task trained alone, "
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
        if facts.get("num_parameters"):
            line += f", {facts['num_parameters']:,} parameters"
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
