import numpy as np
import pytest

from mtl_keras import metrics
from tests.mtl_keras.metrics import streams


def concordance(label, risk, weight=None):
    weight = np.ones(len(label)) if weight is None else weight
    return metrics.CIndex().result(
        {"t": label}, {"t": risk}, {"t": weight}, "t"
    )


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_equals_lifelines(ties, seed):
    utils = pytest.importorskip("lifelines.utils")
    label, risk, weight = streams.survival(150, seed, ties=ties)
    kept = weight > 0
    expected = utils.concordance_index(
        label[kept, 0], -risk[kept, 0], label[kept, 1]
    )
    received = concordance(label, risk, weight)
    assert received == pytest.approx(expected, abs=1e-6)


def test_pairs_one_by_one():
    label, risk, _ = streams.survival(40, ties=True)
    right, pairs = 0.0, 0
    for (time, event), r in zip(label, risk[:, 0], strict=True):
        for (later, seen), other in zip(label, risk[:, 0], strict=True):
            if event and (time < later or (time == later and not seen)):
                pairs += 1
                right += 1 if r > other else 0.5 if r == other else 0
    assert concordance(label, risk) == pytest.approx(right / pairs)


def test_half_a_label_is_none():
    label, risk, _ = streams.survival(60)
    weight = (np.random.default_rng(1).random((60, 2)) < 0.7).astype("f4")
    kept = weight.all(axis=1)
    assert concordance(label, risk, weight) == concordance(
        label[kept], risk[kept]
    )


def test_many_examples_are_compared_in_blocks(monkeypatch):
    from mtl_keras.metrics import c_index

    label, risk, _ = streams.survival(60)
    expected = concordance(label, risk)
    monkeypatch.setattr(c_index, "_BLOCK", 100)
    assert concordance(label, risk) == expected


def test_hazards_of_intervals_are_read_as_risks():
    hazards = np.array([[0.9, 0.5], [0.1, 0.5], [0.1, 0.9]])
    label = np.array([[0.5, 1], [3, 0], [1.5, 1]])
    assert concordance(label, hazards) == 1.0
    assert concordance(label, hazards[::-1]) < 1.0


@pytest.mark.parametrize(
    "label, risk",
    [
        ([[1, 0], [2, 0]], [1, 2]),
        ([[2, 1], [2, 1]], [1, 2]),
        ([[1, 1], [2, 1]], [np.nan, 2]),
        (np.zeros((0, 2)), np.zeros(0)),
    ],
)
def test_undefined_is_nan(label, risk):
    assert np.isnan(concordance(np.array(label), np.array(risk, float)))


def test_labels_that_are_no_survival_are_refused():
    with pytest.raises(ValueError, match=r"of shape \(examples, 2\)"):
        concordance(np.ones(4), np.ones(4))
