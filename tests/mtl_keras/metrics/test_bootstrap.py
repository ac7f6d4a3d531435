import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mtl_keras import metrics
from mtl_keras.metrics import bootstrap
from tests.mtl_keras.metrics import streams


def intervals(count=200, group=None, **options):
    y, p, weight = streams.yes_or_no(count)
    group = group or [metrics.AUC(), metrics.PRAUC()]
    options.setdefault("num_samples", 200)
    return bootstrap.intervals(
        {"t": group}, {"t": y}, {"t": p}, {"t": weight}, **options
    )


def test_keys_are_those_of_the_logs():
    assert set(intervals(num_samples=2)) == {"t_auc", "t_pr_auc"}


def test_equals_draws_worked_one_by_one():
    y, p, weight = streams.yes_or_no(200)
    rng = np.random.default_rng(3)
    areas = []
    for _ in range(50):
        rows = rng.integers(0, 200, 200)
        areas.append(
            roc_auc_score(y[rows], p[rows], sample_weight=weight[rows])
        )
    received = intervals(num_samples=50, seed=3, confidence=0.8)["t_auc"]
    np.testing.assert_allclose(received, np.quantile(areas, [0.1, 0.9]))


def test_same_seed_same_interval():
    first, again, other = (
        intervals(seed=seed, num_samples=20) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_holds_the_figure_and_shrinks_with_the_split():
    widths = []
    for count in (100, 1600):
        y, p, weight = streams.yes_or_no(count)
        low, high = intervals(count, [metrics.AUC()])["t_auc"]
        kept = weight > 0
        assert low < roc_auc_score(y[kept], p[kept]) < high
        widths.append(high - low)
    # As one over the root of the number of examples: a quarter.
    assert widths[1] < 0.45 * widths[0]


def test_more_confidence_is_wider():
    low, high = intervals(group=[metrics.AUC()], confidence=0.99)["t_auc"]
    inner_low, inner_high = intervals(group=[metrics.AUC()], confidence=0.5)[
        "t_auc"
    ]
    assert low < inner_low < inner_high < high


def test_tasks_of_an_example_stay_together():
    class Together(metrics.SplitMetric):
        def reads(self, task_name):
            return "a", "b"

        def result(self, y_true, y_pred, weight, task_name):
            return float((y_true["a"] == y_true["b"]).all())

    rows = {"a": np.arange(50), "b": np.arange(50)}
    received = bootstrap.intervals(
        {"a": [Together("same")]}, rows, rows, rows, num_samples=10
    )
    assert received == {"a_same": (1.0, 1.0)}


def test_undefined_is_nan():
    nothing = {"t": np.zeros(5)}
    received = bootstrap.intervals(
        {"t": [metrics.AUC()]}, nothing, nothing, nothing, num_samples=5
    )
    assert np.isnan(received["t_auc"]).all()


def test_no_metric_no_interval():
    assert bootstrap.intervals({}, {}, {}, {}) == {}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_samples": 1}, "`num_samples` must be"),
        ({"num_samples": 2.5}, "must be an integer of at least 2"),
        ({"confidence": 95}, "`confidence` must be"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        intervals(**options)
