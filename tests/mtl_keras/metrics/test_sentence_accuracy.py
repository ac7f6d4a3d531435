import numpy as np
import pytest

from mtl_keras import metrics


def data(count=80, length=7, seed=0):
    rng = np.random.default_rng(seed)
    y = {
        "intent": rng.integers(0, 3, count),
        "slot": rng.integers(0, 5, (count, length)),
        "polite": rng.integers(0, 2, count),
    }
    answers = {
        n: np.where(rng.random(a.shape) < 0.9, a, 0) for n, a in y.items()
    }
    p = {
        "intent": np.eye(3)[answers["intent"]],
        "slot": np.eye(5)[answers["slot"]],
        "polite": 0.2 + 0.6 * answers["polite"][:, None],
    }
    weight = {n: (rng.random(a.shape) < 0.8).astype("f4") for n, a in y.items()}
    return y, answers, p, weight


def by_hand(y, answers, weight, tasks):
    right = []
    for i in range(len(y["intent"])):
        pairs = [
            (a, b)
            for n in tasks
            for a, b, w in zip(
                np.atleast_1d(y[n][i]),
                np.atleast_1d(answers[n][i]),
                np.atleast_1d(weight[n][i]),
                strict=True,
            )
            if w
        ]
        if pairs:
            right.append(all(a == b for a, b in pairs))
    return np.mean(right)


@pytest.mark.parametrize(
    "tasks", [("intent", "slot"), ("slot",), ("intent", "slot", "polite")]
)
@pytest.mark.parametrize("seed", range(3))
def test_equals_examples_worked_one_by_one(tasks, seed):
    y, answers, p, weight = data(seed=seed)
    metric = metrics.SentenceAccuracy(tasks)
    received = metric.result(y, p, weight, "slot")
    expected = by_hand(y, answers, weight, tasks)
    assert received == pytest.approx(expected, abs=1e-12)


def test_reads_its_tasks():
    assert metrics.SentenceAccuracy().reads("slot") == ("intent", "slot")


def test_answers_may_be_class_numbers():
    y, answers, p, weight = data()
    metric = metrics.SentenceAccuracy()
    assert metric.result(y, answers, weight, "slot") == metric.result(
        y, p, weight, "slot"
    )


def test_one_weight_an_example():
    y, answers, p, weight = data()
    weight["slot"] = weight["slot"][:, 0]
    by_token = {**weight, "slot": np.repeat(weight["slot"][:, None], 7, 1)}
    metric = metrics.SentenceAccuracy()
    received = metric.result(y, p, weight, "slot")
    assert received == metric.result(y, p, by_token, "slot")


def test_undefined_is_nan():
    y, _, p, weight = data()
    metric = metrics.SentenceAccuracy()
    nothing = {n: np.zeros_like(w) for n, w in weight.items()}
    assert np.isnan(metric.result(y, p, nothing, "slot"))
    p["intent"][0] = np.nan
    weight["intent"][0] = 1
    assert np.isnan(metric.result(y, p, weight, "slot"))


def test_shapes_that_do_not_fit_are_refused():
    y, _, p, weight = data()
    p["slot"] = p["slot"][:, :5]
    with pytest.raises(ValueError, match="labels of 'slot' of shape"):
        metrics.SentenceAccuracy().result(y, p, weight, "slot")
