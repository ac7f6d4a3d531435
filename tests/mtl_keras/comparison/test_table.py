"""What a person reads of a comparison."""

import pytest

from mtl_keras.comparison.table import figure, markdown, spread


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (1.236, False, "1.24"),
        (1.236, True, "+1.24"),
        (-1.236, True, "−1.24"),
        (-0.001, True, "0.00"),
        (float("nan"), False, "-"),
        (float("inf"), True, "-"),
        (None, False, "-"),
    ],
)
def test_figure(value, signed, text):
    assert figure(value, 2, signed=signed) == text


def test_one_seed_has_no_spread():
    assert spread({"mean": 0.5, "spread": None}, 3) == "0.500"
    assert spread({"mean": 0.5, "spread": 0.25}, 1) == "0.5 ± 0.2"


def row(name, rate):
    figure = {"mean": 0.5, "spread": 0.1, "values": [0.4, 0.6]}
    return {
        "name": name,
        "metrics": {"a_auc": figure, "a_mae": figure},
        "delta_libmtl": {"mean": 2.0, "spread": 0.5, "values": []},
        "delta_m": {"mean": -3.0, "spread": 0.5, "values": []},
        "learning_rate": rate,
        "seconds_per_step": {"mean": 0.25, "spread": None, "values": []},
        "peak_memory_bytes": 3 * 2**20,
    }


def test_page():
    page = markdown(
        {
            "model": "small",
            "data": "few",
            "split": "test",
            "seeds": [0, 1],
            "measures": {
                "a_auc": {"is_higher_better": True},
                "a_mae": {"is_higher_better": False},
            },
            "rows": [
                row("STL", {"a": 0.1, "b": 0.3}),
                row("equal", 0.3),
                row("rlw", {"a": 0.1, "b": 0.1}),
            ],
            "definitions": {"delta_m": "How much is lost."},
            "notes": ["dwa failed."],
            "versions": {"keras": "3"},
            "command": "python -m tools.compare",
        }
    )
    assert page.splitlines()[0] == "# small on few, test split"
    head, _, *lines = [x for x in page.splitlines() if x.startswith("|")]
    assert head == (
        "|  | a_auc ↑ | a_mae ↓ | delta LibMTL % ↑ | delta m % ↓ "
        "| learning rate | s a step | peak MiB |"
    )
    figures = "0.5000 ± 0.1000 | 0.5000 ± 0.1000 | +2.00 ± 0.50 | −3.00 ± 0.50"
    assert lines == [
        f"| STL | {figures} | a 0.1, b 0.3 | 0.2500 | 3 |",
        f"| equal | {figures} | 0.3 | 0.2500 | 3 |",
        f"| rlw | {figures} | 0.1 | 0.2500 | 3 |",
    ]
    for text in ("- dwa failed.", "- `delta_m`: How much", "    python -m"):
        assert text in page
