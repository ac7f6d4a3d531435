"""A model's card: its tasks, its cost and its metrics."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from mtl_keras import files

_WIDTH = 79
_INDENT = 13
_REQUIRED = ("name", "tasks", "data")


class Card(Mapping):
    """What is known about a model of the zoo. Read-only; prints as a page.

    Args:
        content: Dict with at least `"name"`, `"tasks"` (task name -> dict with
            `"kind"`) and `"data"` (data name -> dict). Figures are lists
            `[mean, spread]`, the spread `None` for a single seed.

    Raises:
        ValueError: If one of these is missing or of another type.
    """

    def __init__(self, content: dict):
        self._content = dict(content)
        for key in _REQUIRED:
            if key not in self._content:
                raise ValueError(
                    f"A card needs {', '.join(map(repr, _REQUIRED))}. "
                    f"Received: {sorted(self._content)}, without {key!r}"
                )
        for key in ("tasks", "data"):
            if not isinstance(self[key], dict) or not self[key]:
                raise ValueError(
                    f"A card's {key!r} must be a dict from name to a dict. "
                    f"Received: {self[key]!r}"
                )
        for name, task in self["tasks"].items():
            if not isinstance(task, dict) or "kind" not in task:
                raise ValueError(
                    f"A card's task {name!r} must be a dict with 'kind'. "
                    f"Received: {task!r}"
                )

    @classmethod
    def read(cls, path: Path) -> "Card":
        """Reads a card's file.

        Args:
            path: `pathlib.Path` of a JSON file.

        Returns:
            `Card`.

        Raises:
            ValueError: If the file is not a card.
        """
        try:
            return cls(files.parse_json_object(path.read_bytes()))
        except ValueError as error:
            raise ValueError(
                f"{path.name} is not a model's card: {error}. Write it again "
                "with `python -m tools.card`."
            ) from error

    def write(self, path: Path) -> None:
        """Writes the card's file, with its keys in a fixed order."""
        text = json.dumps(self._content, indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    def __getitem__(self, key: str):
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return f"<Card {self['name']!r}: print it to read it>"

    @property
    def answers(self) -> set[str]:
        """Names and kinds of the tasks, as `zoo.list_models` filters them."""
        kinds = {task["kind"] for task in self["tasks"].values()}
        return set(self["tasks"]) | kinds

    @property
    def default_data(self) -> str:
        """The data that `zoo.load` takes when none is named."""
        return next(iter(self["data"]))

    def __str__(self) -> str:
        lines = [self["name"], "=" * len(self["name"])]
        lines += [*textwrap.wrap(self.get("summary", ""), _WIDTH), ""]
        lines += _section("Answers", _answers(self["tasks"]))
        lines += _section("Input", _inputs(self))
        lines += _section("Size", _size(self))
        lines += _section("Data", _data(self["data"]))
        lines += _section("Weights", _weights(self.get("weights", {})))
        for figures in self.get("figures", ()):
            lines += ["", *_figures(figures)]
        lines += _published(self.get("published", ()))
        lines += ["", "Load it", textwrap.indent(_example(self), "    ")]
        return "\n".join(lines)


def _section(title: str, lines: list[str]) -> list[str]:
    """Puts a title in front of lines that share one indentation."""
    titles = [title] + [""] * len(lines)
    return [
        textwrap.fill(
            line,
            _WIDTH,
            initial_indent=head.ljust(_INDENT),
            subsequent_indent=" " * (_INDENT + 2),
            break_on_hyphens=False,
        )
        for head, line in zip(titles, lines, strict=False)
    ]


def _answers(tasks: dict) -> list[str]:
    width = max(map(len, tasks))
    lines = []
    for name, task in tasks.items():
        line = f"{name.ljust(width)}  {task.get('answer', task['kind'])}"
        if task.get("class_names"):
            line += f": {', '.join(task['class_names'])}"
        lines.append(line)
    return lines


def _inputs(card: Card) -> list[str]:
    return [
        f"{name}  {_shape(spec['shape'])} {spec['dtype']}"
        for name, spec in card.get("inputs", {}).items()
    ]


def _shape(sizes: list) -> str:
    return " x ".join("any" if size is None else str(size) for size in sizes)


def _size(card: Card) -> list[str]:
    lines = []
    if "num_parameters" in card:
        lines.append(f"{card['num_parameters']:,} parameters")
    if "macs" in card:
        lines.append(
            f"{card['macs']['value']:,} multiply-accumulates for one input "
            f"({card['macs']['input']})"
        )
    return lines


def _data(data: dict) -> list[str]:
    lines = []
    for name, facts in data.items():
        parts = [name]
        if facts.get("splits"):
            parts.append(
                ", ".join(
                    f"{split} {size:,}"
                    for split, size in facts["splits"].items()
                )
            )
        if facts.get("licence"):
            parts.append(facts["licence"])
        lines.append("; ".join(parts))
    return lines


def _weights(weights: dict) -> list[str]:
    return [
        f"{name}  {facts['bytes'] / 1e6:.1f} MB"
        + (f" over {facts['base']}" if facts.get("base") else "")
        + _parameters(facts)
        + f", trained on {facts['data']}, "
        f"{facts['licence']}, sha256 {facts['sha256'][:12]}..."
        for name, facts in weights.items()
    ]


def _parameters(facts: dict) -> str:
    """Names the parameters, which overrides may have changed."""
    number = facts.get("num_parameters")
    return "" if number is None else f", {number:,} parameters"


def _figures(figures: dict) -> list[str]:
    """Writes one table: a metric a column, or a line where they are many."""
    rows = {"together": figures["metrics"]}
    if figures.get("single_task"):
        rows["one by one"] = figures["single_task"]
    columns = sorted(set().union(*rows.values()))
    cells = [["", *columns]]
    for title, row in rows.items():
        cells.append([title, *(_figure(row.get(name)) for name in columns)])
    widths = _widths(cells)
    if 4 + sum(widths) + 2 * len(columns) > _WIDTH:
        # Too wide for a page: a metric a line.
        cells = [list(column) for column in zip(*cells, strict=True)]
        widths = _widths(cells)
    seeds = figures["seeds"]
    title = f"Figures on the {figures['split']} split of {figures['data']}"
    if len(seeds) > 1:
        title += f", mean ± standard deviation over {len(seeds)} seeds"
    else:
        title += f", seed {seeds[0]}"
    lines = textwrap.wrap(title, _WIDTH, subsequent_indent="  ")
    for row in cells:
        padded = [row[0].ljust(widths[0])]
        padded += [
            cell.rjust(width)
            for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append(("    " + "  ".join(padded)).rstrip())
    lines += _command(figures["command"])
    return lines


def _widths(cells: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def _figure(value: list | None) -> str:
    if value is None:
        return "-"
    mean, spread = value
    text = f"{mean:.4f}"
    return text if spread is None else f"{text} ± {spread:.4f}"


def _command(command: str) -> list[str]:
    """Writes a command, a long one as a shell continues it."""
    parts = textwrap.wrap(
        command,
        # Room for the indent and the sign of continuation.
        _WIDTH - 10,
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = [f"    {parts[0]}", *(f"        {part}" for part in parts[1:])]
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def _published(published) -> list[str]:
    if not published:
        return []
    lines = ["", "Published by others"]
    for row in published:
        metrics = ", ".join(
            f"{name} {value}"
            for name, value in row.items()
            if name not in ("model", "source")
        )
        lines += textwrap.wrap(
            f"{row['model']}: {metrics} ({row['source']})",
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="      ",
        )
    return lines


def _example(card: Card) -> str:
    name, weights = card["name"], list(card.get("weights", {}))
    if weights:
        return f"zoo.load({name!r}, weights={weights[0]!r})"
    return f"zoo.load({name!r})"
