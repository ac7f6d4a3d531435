"""The table of transfer: what is drawn, chosen and written."""

import numpy as np
import pytest
from scipy import stats

from tests.zoo import tiny_transfer as tiny
from zoo import transfer_problem
from zoo.commands import transfer as command


def test_interval_is_that_of_the_paired_t_test():
    differences = np.array([0.1, 0.3, 0.2, 0.25, 0.05])
    low, high = transfer_problem.t_interval(differences)
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_setting_is_chosen_on_validation_alone():
    runs = [
        {"one": (0.6, 0.9), "two": (0.7, 0.2)},
        {"one": (0.6, 0.9), "two": (0.5, 0.4)},
        {"one": (0.6, 0.9), "two": (0.8, 0.6)},
    ]
    setting, validation, test = transfer_problem.choose(runs)
    assert setting == "two"
    assert validation == pytest.approx(2 / 3)
    np.testing.assert_array_equal(test, [0.2, 0.4, 0.6])


def test_labels_are_drawn_with_the_fraction_of_actives():
    x, y = tiny.splits()["train"]
    y[: len(y) // 3, 0] = -1
    drawn, labels = transfer_problem.draw((x, y), 0, 12, seed=0)
    known = y[:, 0] >= 0
    assert drawn.shape == (12, x.shape[1]) and set(labels) == {0, 1}
    assert labels.sum() == round(12 * y[known, 0].mean())
    # Each row is a labelled one, and drawn once.
    rows = {
        tuple(row): label
        for row, label in zip(x[known], y[known, 0], strict=True)
    }
    assert len({tuple(row) for row in drawn}) == 12
    assert all(
        rows[tuple(row)] == label
        for row, label in zip(drawn, labels, strict=True)
    )
    again, _ = transfer_problem.draw((x, y), 0, 12, seed=0)
    other, _ = transfer_problem.draw((x, y), 0, 12, seed=1)
    assert np.array_equal(drawn, again) and not np.array_equal(drawn, other)


def test_margin_is_over_the_same_seeds_from_scratch(monkeypatch):
    gains = {
        "linear": 0.0,
        "structure": 0.0,
        "features": 0.2,
        "parameters": 0.1,
    }

    def measure(problem, splits, seed):
        # Seeds differ by far more than the methods do.
        return {
            method: {"rate": (0.5, 0.3 * seed + gain + 0.01 * (seed == 2))}
            if method == "features"
            else {"rate": (0.5, 0.3 * seed + gain)}
            for method, gain in gains.items()
        }

    monkeypatch.setattr(transfer_problem, "measure", measure)
    problem = transfer_problem.TransferProblem(("NR-ER",), "NR-AR")
    text = transfer_problem.table(problem, {}, range(3))
    features = next(row for row in text.splitlines() if "features" in row)
    # Differences 0.2, 0.2, 0.21: 0.2033 with the error 0.0033, times 4.303.
    assert features.endswith("| +0.203 | +0.189 to +0.218 |")
    scratch = next(row for row in text.splitlines() if "structure" in row)
    assert scratch.endswith("| 0.300 ± 0.300 | - | - |")


@pytest.mark.slow
def test_tool_writes_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        transfer_problem, "read_splits", lambda *_: tiny.splits()
    )
    monkeypatch.setattr(transfer_problem, "_LEARNING_RATES", (1e-3,))
    monkeypatch.setattr(transfer_problem, "_HEAD_EPOCHS", 1)
    page = tmp_path / "page.md"
    argv = [
        *("--seeds=2", "--labels=8", "--epochs=2", "--source_epochs=1"),
        f"--output={page}",
    ]
    assert command.main(argv) == 0
    text = page.read_text()
    assert text in capsys.readouterr().out
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    # The header, its line, and four methods.
    assert len(rows) == 6
    assert all("rate 0.001, 2 epochs" in row for row in rows[3:])


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--new=SR-MPP"], "Did you mean 'SR-MMP'"),
        (["--new=SR-p53"], "Expected a new assay and others"),
        (["--sources="], "Expected a new assay and others"),
    ],
)
def test_wrong_assays_are_explained(argv, message, capsys):
    assert command.main(argv) == 1
    assert message in capsys.readouterr().err
