"""What `monitor=True` shows reaches the lines, TensorBoard and the plots."""

import json

import keras
import pytest
import tensorflow as tf

from mtl_keras import balancing, data, plots, training
from tests import test_case as case

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="tf.data, TensorBoard and the export need TensorFlow",
)
TASKS = ("box", "cls", "det")


class Mean(balancing.GradientBalancer):
    """The mean of the gradients."""

    def _weigh(self, step):
        return step.present / step.num_tasks


def train(workdir, **changed):
    x, labels = case.vector_data(64)
    examples = tf.data.Dataset.from_tensor_slices((x, labels))
    model = case.vector_model()
    config = {
        "model": "vector",
        "epochs": 2,
        "batch_size": 32,
        "seed": 3,
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "jit_compile": False,
        **changed,
    }
    train = data.pipeline(examples, case.TASKS, batch_size=32)
    training.train_and_evaluate(model, {"train": train}, config, workdir)
    return [
        json.loads(line)
        for line in (workdir / "metrics.jsonl").read_text().splitlines()
    ]


def tags_of(folder):
    from tensorboard.backend.event_processing import event_accumulator

    found = set()
    for path in folder.rglob("events.out.tfevents.*"):
        events = event_accumulator.EventAccumulator(str(path))
        events.Reload()
        found |= set(events.Tags()["tensors"])
    return found


@pytest.fixture
def curves_of(monkeypatch):
    """Keys that reach the picture of curves."""
    seen = set()

    def record(lines, path, **options):
        seen.update(key for line in lines for key in line)

    monkeypatch.setattr(plots, "curves", record)
    return seen


@pytest.mark.slow
def test_gradient_method(tmp_path, monkeypatch, curves_of):
    get = balancing.get

    def with_mean(identifier, **options):
        if identifier == "mean":
            return Mean(**options)
        return get(identifier, **options)

    monkeypatch.setattr(balancing, "get", with_mean)
    lines = train(tmp_path, loss_weights="mean", balancer={"monitor": True})
    expected = {f"{name}_weight" for name in TASKS}
    expected |= {f"{name}_gradient_norm" for name in TASKS}
    expected |= {"box_cls_cosine", "box_det_cosine", "cls_det_cosine"}
    for line in lines:
        assert expected <= set(line)
        assert line["cls_weight"] == pytest.approx(1 / 3)
        assert line["cls_gradient_norm"] > 0
        assert -1 <= line["cls_det_cosine"] <= 1
    assert {f"epoch_{key}" for key in expected} <= tags_of(tmp_path / "events")
    assert (tmp_path / "plots" / "balance.png").stat().st_size > 1000
    assert (tmp_path / "plots" / "conflicts.png").stat().st_size > 1000
    # They have pictures of their own.
    assert not expected & curves_of
    assert "cls_loss" in curves_of


@pytest.mark.slow
def test_method_of_losses_has_no_conflicts_to_draw(tmp_path):
    options = {"loss_weights": "uncertainty", "balancer": {"monitor": True}}
    lines = train(tmp_path, **options)
    assert "cls_weight" in lines[-1]
    assert (tmp_path / "plots" / "balance.png").exists()
    assert not (tmp_path / "plots" / "conflicts.png").exists()


@pytest.mark.slow
def test_without_monitor_nothing_is_logged_or_drawn(tmp_path):
    lines = train(tmp_path, loss_weights="uncertainty")
    assert not any(key.endswith("_weight") for key in lines[-1])
    assert not (tmp_path / "plots" / "balance.png").exists()
