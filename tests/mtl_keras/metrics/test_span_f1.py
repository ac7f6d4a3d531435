import numpy as np
import pytest

from mtl_keras import metrics

IOB = ("O", "B-x", "I-x", "B-y", "I-y")
IOBES = (*IOB, "E-x", "S-x", "E-y", "S-y")


def f1(y, p, weight=None, names=IOB):
    weight = np.ones(np.shape(y)) if weight is None else weight
    return metrics.SpanF1(names).result(
        {"t": np.asarray(y)}, {"t": np.asarray(p)}, {"t": weight}, "t"
    )


def tags(count, length, num_tags, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, num_tags, (count, length))
    p = np.where(
        rng.random(y.shape) < 0.7, y, rng.integers(0, num_tags, y.shape)
    )
    return y, p, rng.random(y.shape) < 0.8


@pytest.mark.parametrize("names", [IOB, IOBES], ids=["IOB", "IOBES"])
@pytest.mark.parametrize("seed", range(10))
def test_equals_seqeval(names, seed):
    seqeval = pytest.importorskip("seqeval.metrics")
    y, p, kept = tags(60, 12, len(names), seed)
    kept[3] = False
    named = [
        [[names[t] for t in row[k]] for row, k in zip(part, kept, strict=True)]
        for part in (y, p)
    ]
    expected = seqeval.f1_score(*named)
    received = f1(y, np.eye(len(names))[p], kept, names)
    assert received == pytest.approx(expected, abs=1e-6)


def spans_by_conlleval(row):
    """Spans of one sentence by the rules of conlleval.pl, one by one."""
    spans, before, kind_before, start = [], "O", "", 0
    for place, tag in enumerate([*row, "O"]):
        prefix, _, kind = tag.partition("-")
        changes = kind != kind_before
        if before + prefix in ("BB", "BO", "IB", "IO") or (
            before != "O" and changes
        ):
            spans.append((start, place - 1, kind_before))
        if (
            prefix == "B"
            or before + prefix == "OI"
            or (prefix != "O" and changes)
        ):
            start = place
        before, kind_before = prefix, kind
    return set(spans)


@pytest.mark.parametrize("seed", range(5))
def test_equals_spans_found_one_by_one(seed):
    y, p, kept = tags(40, 9, len(IOB), seed)
    right = size = 0
    for row, answer, k in zip(y, p, kept, strict=True):
        true = spans_by_conlleval([IOB[t] for t in row[k]])
        found = spans_by_conlleval([IOB[t] for t in answer[k]])
        right, size = right + len(true & found), size + len(true) + len(found)
    assert f1(y, p, kept) == pytest.approx(2 * right / size, abs=1e-12)


@pytest.mark.parametrize(
    "y, p, expected",
    [
        ([[0, 1, 2, 0]], [[0, 1, 2, 0]], 1),
        # An I without a B starts a span.
        ([[0, 1, 2, 0]], [[0, 2, 2, 0]], 1),
        # A second B makes two spans of one.
        ([[0, 1, 2, 0]], [[0, 1, 1, 0]], 0),
        # Another kind, the same place.
        ([[0, 1, 2, 0]], [[0, 3, 4, 0]], 0),
        # An I of another kind starts a new span.
        ([[1, 4, 0, 0]], [[1, 3, 0, 0]], 1),
        # Spans end with the sentence.
        ([[0, 1], [2, 0]], [[0, 1], [1, 0]], 1),
        # One of two found: 2 * 1 / (2 + 1).
        ([[1, 0, 1, 0]], [[1, 0, 0, 0]], 2 / 3),
        ([[0, 0, 0, 0]], [[0, 0, 0, 0]], 0),
        ([[0, 0, 0, 0]], [[0, 1, 0, 0]], 0),
    ],
)
def test_values_worked_by_hand(y, p, expected):
    assert f1(y, p) == pytest.approx(expected)


def test_a_token_without_a_label_is_left_out():
    y = np.array([[1, 0, 2, 0]])
    p = np.array([[1, 3, 2, 0]])
    assert f1(y, p, np.array([[1, 0, 1, 1]])) == 1


@pytest.mark.parametrize(
    "y, p, weight",
    [
        (np.zeros((2, 3), int), np.zeros((2, 3), int), np.zeros((2, 3))),
        (np.zeros((0, 3), int), np.zeros((0, 3), int), np.zeros((0, 3))),
        (np.zeros((1, 1), int), np.full((1, 1, 5), np.nan), np.ones((1, 1))),
    ],
)
def test_undefined_is_nan(y, p, weight):
    assert np.isnan(f1(y, p, weight))


def test_what_a_padded_place_predicts_does_not_matter():
    y = np.array([[1, 2, 0, 0]])
    p = np.eye(5)[[[1, 2, 0, 0]]]
    p[0, 2:] = np.nan
    assert f1(y, p, np.array([[1, 1, 0, 0]])) == 1


def test_names_are_needed():
    with pytest.raises(
        ValueError, match=r"names of the tags: SpanF1\(class_names="
    ):
        f1([[0]], [[0]], names=None)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expects tag numbers of shape"):
        f1(np.zeros(4, int), np.zeros((4, 5)))
