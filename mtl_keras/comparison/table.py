"""A comparison as a page of Markdown."""

import math

_MEBI = 2**20
_NO_SPREAD = "one seed, hence no spread"


def markdown(table: dict) -> str:
    """Writes a comparison as Markdown.

    Args:
        table: Dict, as in the tool's `table.json`: `"model"`, `"data"`,
            `"split"`, `"seeds"`, `"measures"`, `"rows"`, `"definitions"`,
            `"notes"`, `"versions"`, `"command"`, and where there are any
            `"references"`, dicts with `"name"` and `"metrics"`.

    Returns:
        String, Markdown.
    """
    keys = list(table["measures"])
    has_sizes = all("num_parameters" in row for row in table["rows"])
    head = [
        "",
        *(f"{key} {_arrow(table['measures'][key])}" for key in keys),
        "delta LibMTL % ↑",
        "delta m % ↓",
        "learning rate",
        *(["parameters", "MACs"] if has_sizes else []),
        "s a step",
        "peak MiB",
    ]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in table["rows"]:
        lines.append(
            [
                row["name"],
                *(spread(row["metrics"][key], 4) for key in keys),
                spread(row["delta_libmtl"], 2, signed=True),
                spread(row["delta_m"], 2, signed=True),
                _rate(row["learning_rate"]),
                *(_sizes(row) if has_sizes else []),
                figure(row["seconds_per_step"]["mean"], 4),
                f"{row['peak_memory_bytes'] / _MEBI:.0f}",
            ]
        )
    for row in table.get("references", ()):
        lines.append(
            [
                row["name"],
                *(figure(row["metrics"].get(key), 4) for key in keys),
                *(["-"] * (len(head) - 1 - len(keys))),
            ]
        )
    seeds = "Seeds " if len(table["seeds"]) > 1 else "Seed "
    seeds += ", ".join(map(str, table["seeds"]))
    versions = ", ".join(f"{k} {v}" for k, v in table["versions"].items())
    kind = "mean ± spread" if len(table["seeds"]) > 1 else _NO_SPREAD
    return "\n".join(
        [
            f"# {table['model']} on {table['data']}, {table['split']} split",
            "",
            f"{seeds}; {kind}. STL: each task trained alone, by the same "
            "recipe.",
            "",
            *("| " + " | ".join(line) + " |" for line in lines),
            "",
            *(f"- {note}" for note in table["notes"]),
            *([""] if table["notes"] else []),
            "## What the columns tell",
            "",
            *(
                f"- `{name}`: {text}"
                for name, text in table["definitions"].items()
            ),
            "",
            f"Made with {versions} by",
            "",
            f"    {table['command']}",
            "",
        ]
    )


def spread(summary: dict, digits: int, *, signed: bool = False) -> str:
    """Writes `mean ± spread`.

    Args:
        summary: Dict of `comparison.summary`.
        digits: Integer, digits behind the point.
        signed: Boolean, whether a positive mean shows its sign.

    Returns:
        String; `"-"` where it is not defined.
    """
    text = figure(summary["mean"], digits, signed=signed)
    if summary["spread"] is None:
        return text
    return f"{text} ± {summary['spread']:.{digits}f}"


def figure(value: float | None, digits: int, *, signed: bool = False) -> str:
    """Writes one number.

    Args:
        value: Float, or `None`.
        digits: Integer, digits behind the point.
        signed: Boolean, whether a positive one shows its sign.

    Returns:
        String; `"-"` where it is not defined.
    """
    if value is None or not math.isfinite(value):
        return "-"
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    # A mean of gains and losses may be a zero with a sign.
    is_zero = not float(text)
    return text.lstrip("+-") if is_zero else text.replace("-", "−")


def _arrow(measure) -> str:
    return "↑" if measure["is_higher_better"] else "↓"


def _sizes(row) -> list[str]:
    macs = row["macs"]
    return [
        f"{row['num_parameters']:,}",
        "-" if macs is None else f"{macs:.3g}",
    ]


def _rate(rate) -> str:
    if rate is None:
        return "-"
    if not isinstance(rate, dict):
        return f"{rate:g}"
    if len(set(rate.values())) == 1:
        return _rate(next(iter(rate.values())))
    return ", ".join(f"{task} {value:g}" for task, value in rate.items())
