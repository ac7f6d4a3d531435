"""Pages are made of what a card says, and cards of what was measured."""

import json

import pytest

from zoo import (
    card_check,
    card_pages,
    card_writer,
    readme_table,
    registry,
)
from zoo.card import Card

CARD = Card(
    {
        "name": "shapes",
        "summary": "Two tasks on one image.",
        "tasks": {
            "cls": {
                "kind": "classification",
                "answer": "one of 2 classes",
                "class_names": ["<1 corner", "square"],
            },
            "cls_size": {"kind": "regression", "answer": "a number"},
        },
        "num_parameters": 1234,
        "data": {"tiny": {"splits": {"test": 10}, "licence": "CC0-1.0"}},
        "weights": {
            "tiny": {
                "bytes": 2_000_000,
                "seed": 1,
                "licence": "Apache-2.0",
                "decisions": {"cls": {"temperature": 1.25}},
            }
        },
        "figures": [
            {
                "weights": "tiny",
                "data": "tiny",
                "split": "test",
                "seeds": [0, 1],
                "metrics": {
                    "cls_accuracy": [0.9123, 0.01],
                    "cls_size_mae": [2.5, None],
                    "cls_size_r2": [0.5, None],
                },
                "single_task": {"cls_accuracy": [0.9, 0.02]},
                "command": "python -m tools.train --model=shapes",
            }
        ],
        "notes": ["Tried a larger trunk: .905."],
    }
)


def test_table_has_one_metric_a_task_beside_the_single_task(tmp_path):
    row = readme_table.table([CARD]).splitlines()[2]
    # R2 before MAE, though it is later in the alphabet.
    assert "cls accuracy .912, cls size R2 .500" in row
    assert row.rstrip(" |").endswith(".900, -")
    assert "1,234" in row


def test_table_has_the_parameters_of_what_another_recipe_trained():
    figures = {
        "recipe": "shapes_large.py",
        "data": "tiny",
        "metrics": {"cls_accuracy": [0.95, None]},
        "num_parameters": 56789,
    }
    card = Card({**CARD, "figures": [*CARD["figures"], figures]})
    row = readme_table.table([card]).splitlines()[3]
    assert "`shapes_large`" in row and "| 56,789 |" in row


def test_page_says_all_that_is_on_the_card(tmp_path):
    page = card_pages.page(CARD, tmp_path)
    for text in (
        "# shapes",
        "one of 2 classes: &lt;1 corner, square",
        "| cls_accuracy | 0.9123 ± 0.0100 | 0.9000 ± 0.0200 |",
        "| cls_size_mae | 2.5000 | - |",
        "test 10; licence CC0-1.0",
        "2.00 MB, seed 1, licence Apache-2.0; cls: temperature 1.25",
        'zoo.load("shapes", weights="tiny")',
        "Tried a larger trunk",
    ):
        assert text in page, text
    assert "images/" not in page


def test_image_is_shown_where_there_is_one(tmp_path):
    (tmp_path / "docs" / "images").mkdir(parents=True)
    (tmp_path / "docs" / "images" / "shapes.png").write_bytes(b"")
    assert "../images/shapes.png" in card_pages.page(CARD, tmp_path)
    (tmp_path / "docs" / "images" / "shapes.txt").write_text("a │ b\n")
    assert "\n\n```text\na │ b\n```\n\n" in card_pages.page(CARD, tmp_path)


def test_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="lacks the marks"):
        readme_table.find("# A page\n")


def test_a_comparison_becomes_rows_of_the_card(tmp_path):
    def summary(mean):
        return {"mean": mean, "spread": None}

    def row(name, value):
        return {
            "name": name,
            "metrics": {"cls_accuracy": summary(value)},
            "delta_libmtl": summary(100 * (value - 0.9)),
            "delta_m": summary(-0.00001),
            "seconds_per_step": summary(0.0123456),
            "num_parameters": 10,
        }

    table = {
        "data": "tiny",
        "split": "test",
        "seeds": [0],
        "rows": [row("STL", 0.9), row("equal", 0.91234567)],
        "references": [{"name": "ridge", "metrics": {"cls_accuracy": 0.8}}],
        "notes": ["one note"],
        "command": "python -m tools.compare --workdir=/somewhere/runs/a",
    }
    (tmp_path / "table.json").write_text(json.dumps(table))
    comparison = card_writer.comparison(tmp_path)
    assert comparison["title"] == "Balancers"
    assert comparison["rows"][1]["metrics"] == {"cls_accuracy": [0.9123, None]}
    assert comparison["command"].endswith("--workdir=runs/a")
    page = card_pages.page(
        Card({**CARD, "comparisons": [comparison]}), tmp_path
    )
    assert "| equal | 0.9123 | +1.23 | 0.00 | 10 | 0.0123 |" in page
    assert "| ridge | 0.8000 | - | - | - | - |" in page


def test_weights_that_do_not_reach_their_card_are_named(monkeypatch, capsys):
    lines = [("shapes tiny cls_accuracy: differs", False), ("fine", True)]
    monkeypatch.setattr(card_check, "compare", lambda *a: iter(lines))
    monkeypatch.setattr(registry, "list_models", lambda: ["shapes"])
    monkeypatch.setattr(registry, "info", lambda name: CARD)
    with pytest.raises(ValueError, match="cls_accuracy: differs"):
        card_check.run()
    assert "fine" in capsys.readouterr().out
    monkeypatch.setattr(card_check, "compare", lambda *a: iter(lines[1:]))
    card_check.run("shapes")
