"""The HTML of a report: one file without any other beside it."""

import base64
import html as escaping
import math

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #333; max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: left;
         vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; height: auto; }
"""


def html(*, title, card, split, metrics, tasks, decisions, figures) -> str:
    """Writes the page.

    Args:
        title: String.
        card: `zoo.card.Card` of the model.
        split: String, the split that was measured.
        metrics: Dict of log key to float.
        tasks: List of the tasks' names.
        decisions: Dict, as of `mtl_keras.calibration.choose`.
        figures: Dict of a heading to the bytes of a PNG image.

    Returns:
        String, HTML.
    """
    parts = [
        f"<h1>{_safe(title)}</h1>",
        f"<p>{_safe(card.get('summary', ''))}</p>",
        f"<p>{card['num_parameters']:,} parameters.</p>"
        if "num_parameters" in card
        else "",
        f"<h2>Metrics on the {_safe(split)} split</h2>",
        _metrics(metrics, tasks),
    ]
    if decisions:
        parts += ["<h2>Decisions</h2>", _decisions(decisions)]
    for heading, image in figures.items():
        code = base64.b64encode(image).decode("ascii")
        parts += [
            f"<h2>{_safe(heading)}</h2>",
            f'<img alt="{_safe(heading)}" src="data:image/png;base64,{code}">',
        ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _safe(text) -> str:
    return escaping.escape(str(text))


def _metrics(metrics, tasks) -> str:
    rows = []
    for task in tasks:
        own = {
            key.removeprefix(f"{task}_"): value
            for key, value in metrics.items()
            if key.startswith(f"{task}_")
        }
        rows += [[task, key, _number(own[key])] for key in sorted(own)]
    return _table(["task", "metric", "value"], rows)


def _decisions(decisions) -> str:
    rows = [
        [task, _number(each.get("temperature")), _number(each.get("threshold"))]
        for task, each in decisions.items()
    ]
    explained = (
        "<p>Chosen on the validation split: probabilities are divided by the "
        "temperature in their logits, and an answer is yes from the threshold "
        "on.</p>"
    )
    return explained + _table(["task", "temperature", "threshold"], rows)


def _number(value) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.4f}"


def _table(head, rows) -> str:
    cells = "".join(f"<th>{_safe(cell)}</th>" for cell in head)
    lines = [f"<tr>{cells}</tr>"]
    for row in rows:
        texts = (
            f'<td class="number">{_safe(cell)}</td>'
            if cell == "-" or cell[:1].isdigit() or cell[:1] == "-"
            else f"<td>{_safe(cell)}</td>"
            for cell in row
        )
        lines.append(f"<tr>{''.join(texts)}</tr>")
    return f"<table>{''.join(lines)}</table>"
