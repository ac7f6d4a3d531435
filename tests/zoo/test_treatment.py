"""The joint model of three labels gains where they depend on each other."""

import numpy as np
import pytest

from zoo import treatment


def _made_up(_):
    rng = np.random.default_rng(0)
    parts = {}
    for split, size in (("train", 600), ("validation", 300), ("test", 300)):
        cause = rng.integers(0, 2, size)
        labels = {
            task.name: np.where(rng.random(size) < 0.9, cause, 1 - cause)
            for task in treatment.TASKS
        }
        labels = {n: v.astype("float32") for n, v in labels.items()}
        labels["intensive"][::10] = np.nan
        # Columns that say nothing: all that is known is the dependence.
        columns = rng.normal(size=(size, 3)).astype("float32")
        parts[split] = columns, labels
    return parts


@pytest.mark.slow
def test_dependent_labels_have_a_gain(monkeypatch):
    monkeypatch.setattr(treatment, "splits", _made_up)
    content = treatment.measured(seeds=1, draws=20)
    assert content["num_examples"] == 270
    # Three fair coins, against combinations of which two have the probability
    # (0.9 ** 3 + 0.1 ** 3) / 2 = 0.365 and six 0.045: an entropy of 1.573.
    assert content["independent"] == pytest.approx(3 * np.log(0.5), abs=0.1)
    for row in content["joint"].values():
        assert row["gain"] == pytest.approx(2.079 - 1.573, abs=0.15)
        assert 0 < row["low"] <= row["gain"] <= row["high"]
