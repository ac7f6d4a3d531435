"""Both deltas of the field and the table, by figures worked by hand."""

import math

import pytest

from mtl_keras import comparison

TASKS = ("cls", "depth")
# One metric of `cls`, two of `depth`, of which less is better.
COUNTED = comparison.measures(
    ["loss", "cls_loss", "cls_accuracy", "depth_rmse", "depth_abs_rel"], TASKS
)
STL = {"cls_accuracy": 0.8, "depth_rmse": 0.5, "depth_abs_rel": 0.2}


def test_metrics_count_and_losses_do_not():
    assert {key: m.is_higher_better for key, m in COUNTED.items()} == {
        "cls_accuracy": True,
        "depth_abs_rel": False,
        "depth_rmse": False,
    }
    assert {m.task for m in COUNTED.values()} == set(TASKS)


def test_key_belongs_to_the_longest_task_it_starts_with():
    keys = ["red_auc", "red_car_mae", "learning_rate"]
    found = comparison.measures(keys, ["red", "red_car"])
    assert {key: (m.task, m.name) for key, m in found.items()} == {
        "red_auc": ("red", "auc"),
        "red_car_mae": ("red_car", "mae"),
    }


def test_unknown_metric_must_be_told():
    with pytest.raises(ValueError, match="'glow'.*--higher_is_better"):
        comparison.measures(["cls_glow"], ["cls"])
    given = {"higher": ["glow"], "lower": ["gloom"]}
    found = comparison.measures(["cls_glow", "cls_gloom"], ["cls"], **given)
    assert found["cls_glow"].is_higher_better
    assert not found["cls_gloom"].is_higher_better


def test_task_without_a_metric_is_named():
    with pytest.raises(ValueError, match="'det' has none"):
        comparison.measures(["cls_auc", "det_loss"], ["cls", "det"])


def test_every_metric_of_the_library_has_a_direction():
    from mtl_keras import metrics

    every = metrics.list_metrics()
    found = comparison.measures([f"a_{name}" for name in every], ["a"])
    assert len(found) == len(every)
    for logged in ("iou", "ap50"):
        comparison.measures([f"a_{logged}"], ["a"])


def test_both_deltas_by_hand():
    values = {"cls_accuracy": 0.84, "depth_rmse": 0.55, "depth_abs_rel": 0.16}
    # Gains: +0.05; -(0.05 / 0.5) = -0.1; -(-0.04 / 0.2) = +0.2.
    gains = comparison.gains(values, STL, COUNTED)
    assert gains == pytest.approx(
        {"cls_accuracy": 0.05, "depth_rmse": -0.1, "depth_abs_rel": 0.2}
    )
    # LibMTL: (0.05 + (-0.1 + 0.2) / 2) / 2 = 0.05.
    received = comparison.delta_libmtl(values, STL, COUNTED)
    assert received == pytest.approx(5.0)
    # Delta m: -(0.05 - 0.1 + 0.2) / 3 = -0.05.
    assert comparison.delta_m(values, STL, COUNTED) == pytest.approx(-5.0)
    # A task of two metrics counts twice in Delta m only.
    values = {"cls_accuracy": 0.8, "depth_rmse": 0.4, "depth_abs_rel": 0.16}
    received = comparison.delta_libmtl(values, STL, COUNTED)
    assert received == pytest.approx(10.0)
    received = comparison.delta_m(values, STL, COUNTED)
    assert received == pytest.approx(-40 / 3)


def test_a_negative_reference_does_not_turn_the_sign():
    counted = comparison.measures(["a_r2"], ["a"])
    gains = comparison.gains({"a_r2": -0.1}, {"a_r2": -0.2}, counted)
    assert gains["a_r2"] == pytest.approx(0.5)


@pytest.mark.parametrize("changed", [{"cls_accuracy": None}, {}])
def test_what_is_not_defined_is_nan_and_not_left_out(changed):
    base = STL if changed else {**STL, "cls_accuracy": 0.0}
    values = {**STL, **changed}
    assert math.isnan(comparison.gains(values, base, COUNTED)["cls_accuracy"])
    assert math.isnan(comparison.delta_libmtl(values, base, COUNTED))
    assert math.isnan(comparison.delta_m(values, base, COUNTED))


def test_summary_has_the_sample_deviation():
    found = comparison.summary([1.0, 2.0, 6.0])
    # (4 + 1 + 9) / 2 = 7.
    assert found["mean"] == 3.0
    assert found["spread"] == pytest.approx(math.sqrt(7))
    assert comparison.summary([4.0])["spread"] is None
    found = comparison.summary([1.0, None])
    assert math.isnan(found["mean"]) and found["spread"] is None


def run(accuracy, rmse, abs_rel, seconds=0.1, memory=100):
    metrics = dict(zip(STL, (accuracy, rmse, abs_rel), strict=True))
    return {
        "metrics": {**metrics, "loss": 9.0},
        "seconds_per_step": seconds,
        "peak_memory_bytes": memory,
    }


def test_rows_compare_with_the_mean_over_the_seeds():
    runs = {
        "worse": [run(0.72, 0.5, 0.2)] * 2,
        "undefined": [run(None, 0.5, 0.2)] * 2,
        "STL": [run(0.7, 0.5, 0.2), run(0.9, 0.5, 0.2)],
        "better": [run(0.88, 0.5, 0.2, 0.2, 300), run(0.84, 0.5, 0.2, 0.4)],
    }
    rows = comparison.rows(runs, COUNTED)
    names = [row["name"] for row in rows]
    assert names == ["STL", "better", "worse", "undefined"]
    stl, better = rows[:2]
    assert stl["metrics"]["cls_accuracy"]["mean"] == pytest.approx(0.8)
    # The reference's own seeds spread around it.
    assert stl["delta_libmtl"]["mean"] == pytest.approx(0.0, abs=1e-12)
    assert stl["delta_libmtl"]["values"] == pytest.approx([-6.25, 6.25])
    assert better["delta_libmtl"]["values"] == pytest.approx([5.0, 2.5])
    assert better["delta_m"]["mean"] == pytest.approx(-2.5)
    assert better["seconds_per_step"]["mean"] == pytest.approx(0.3)
    assert better["peak_memory_bytes"] == 300
    assert "loss" not in better["metrics"]


def test_metric_of_several_tasks_is_shown_and_in_no_delta():
    stl = [run(0.8, 0.5, 0.2)]
    both = [run(0.84, 0.55, 0.16)]
    both[0]["metrics"]["depth_accuracy"] = 0.3
    counted = comparison.measures([*STL, "depth_accuracy"], TASKS)
    with_it = comparison.rows({"STL": stl, "equal": both}, counted)
    without = comparison.rows({"STL": stl, "equal": both}, COUNTED)
    for delta in ("delta_libmtl", "delta_m"):
        assert math.isfinite(with_it[1][delta]["mean"])
        assert with_it[1][delta] == without[1][delta]
    assert with_it[1]["metrics"]["depth_accuracy"]["mean"] == 0.3
    assert math.isnan(with_it[0]["metrics"]["depth_accuracy"]["mean"])


def test_task_with_nothing_to_compare_is_named():
    with pytest.raises(ValueError, match="The model of 'cls' alone"):
        comparison.comparable(COUNTED, [{"depth_rmse": 0.5}])


def test_single_tasks_together():
    runs = [run(0.8, 0.5, 0.2, 0.1, 100), run(0.8, 0.5, 0.2, 0.3, 50)]
    runs[0]["metrics"] = {"cls_accuracy": 0.8}
    runs[1]["metrics"] = {"depth_rmse": 0.5}
    found = comparison.together(runs)
    assert found["metrics"] == {"cls_accuracy": 0.8, "depth_rmse": 0.5}
    assert found["seconds_per_step"] == pytest.approx(0.4)
    assert found["peak_memory_bytes"] == 100


@pytest.mark.parametrize(
    ("monitor", "mode", "epoch"),
    [
        (None, "min", 3),
        ("val_loss", "min", 1),
        ("val_loss", None, 1),
        ("val_auc", "max", 2),
    ],
)
def test_epoch_whose_weights_are_kept(monitor, mode, epoch):
    lines = [
        {"epoch": 0, "val_loss": None, "val_auc": None},
        {"epoch": 1, "val_loss": 0.5, "val_auc": 0.6},
        {"epoch": 2, "val_loss": 0.5, "val_auc": 0.9},
        {"epoch": 3, "val_loss": 0.7, "val_auc": 0.9},
    ]
    assert comparison.kept_line(lines, monitor, mode)["epoch"] == epoch


def test_run_without_an_epoch_has_none():
    with pytest.raises(ValueError, match="at least one epoch"):
        comparison.kept_line([], None, "min")


def test_rate_with_the_highest_objective():
    assert comparison.best_rate({0.1: -3.0, 0.3: 2.0, 0.9: math.nan}) == 0.3
    assert comparison.best_rate({0.1: math.nan}) is None
