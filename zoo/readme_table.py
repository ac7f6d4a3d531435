"""The README's table of the zoo, made of the cards."""

import re
from pathlib import Path

from zoo.card import Card

START = "<!-- The table is written by `python -m tools.card --pages`. -->"
END = "<!-- End of the table. -->"
# The logs end with them; best first where a task has several.
_HEADLINES = (
    "span_f1",
    "las",
    "uas",
    "mean_iou",
    "iou",
    "mean_auc",
    "auc",
    "c_index",
    "r2",
    "accuracy",
    "f1",
    "ap50",
    "rmse",
    "mae",
    "angular_error",
)
_TITLES = {
    "accuracy": "accuracy",
    "angular_error": "mean angle",
    "ap50": "AP50",
    "auc": "AUC",
    "c_index": "C-index",
    "f1": "F1",
    "iou": "IoU",
    "las": "LAS",
    "mae": "MAE",
    "mean_auc": "mean AUC",
    "mean_iou": "IoU",
    "r2": "R2",
    "rmse": "RMSE",
    "span_f1": "span F1",
    "uas": "UAS",
}


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
        for index, figures in enumerate(all_figures(card) or [{}]):
            rows.append(_row(card, figures, is_first=not index))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def all_figures(card) -> list[dict]:
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
    name = figures.get("weights")
    if not is_first:
        title = f"its weights `{name}`" if name else "the same"
        if figures.get("recipe") and not name:
            title = f"its recipe `{Path(figures['recipe']).stem}`"
    size = _num_parameters(card, figures)
    return [
        title,
        ", ".join(card["tasks"]),
        f"`{figures.get('data', card.default_data)}`",
        "-" if size is None else f"{size:,}",
        _short(card, keys, together, titles=True),
        _short(card, keys, alone, titles=False) if alone else "-",
    ]


def _num_parameters(card, figures) -> int | None:
    """Returns those of the model that was measured, which a recipe changes."""
    if "num_parameters" in figures:
        return figures["num_parameters"]
    trained = card.get("weights", {})
    if weights := figures.get("weights"):
        return trained[weights].get("num_parameters", card["num_parameters"])
    if figures.get("recipe"):
        return None
    # The entry's own recipe made its first weights, on other data as well.
    own = (each for each in trained.values() if not each.get("recipe"))
    return next(own, card).get("num_parameters", card["num_parameters"])


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


def find(text: str) -> str:
    """Finds the table in a README.

    Args:
        text: String, the README.

    Returns:
        String, the table.

    Raises:
        ValueError: If the marks around it are missing.
    """
    match = re.search(
        f"{re.escape(START)}\n(.*?)\n{re.escape(END)}", text, re.DOTALL
    )
    if match is None:
        raise ValueError(
            f"The README lacks the marks of the table. Expected {START!r} "
            f"and {END!r}. Put them around it."
        )
    return match.group(1)
