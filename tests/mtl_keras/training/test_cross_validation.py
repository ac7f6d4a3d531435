"""Each fold is a run of its own, and the figures are theirs."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import MultiTaskModel, Task, data, training
from mtl_keras.training import cross_validation
from mtl_keras.training.report import Report
from tests import test_case as case

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="tf.data, TensorBoard and the export need TensorFlow",
)
TASKS = (Task("det", "presence"),)
CONFIG = {
    "model": "vector",
    "epochs": 2,
    "batch_size": 16,
    "seed": 3,
    "optimizer": {"name": "adamw", "learning_rate": 0.01},
    "jit_compile": False,
}


def folds_of(num_folds=2):
    """For each fold the datasets of a run."""
    x, labels = case.vector_data(60)
    source = (x, {"det": labels["det"]})
    found = data.folds(source, TASKS, num_folds, seed=1)

    def datasets(fold):
        parts = found[fold]
        return {
            "train": lambda epoch: data.pipeline(
                parts["train"],
                TASKS,
                batch_size=16,
                training=True,
                epoch=epoch,
            ),
            "test": data.pipeline(parts["test"], TASKS, batch_size=16),
        }

    return datasets


def build():
    inputs = keras.Input((8,))
    outputs = {"det": keras.layers.Dense(1, "sigmoid", name="det")(inputs)}
    return MultiTaskModel(inputs, outputs, tasks=TASKS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("folds")
    result = training.cross_validate(
        build, folds_of(), CONFIG, workdir, num_folds=2
    )
    return workdir, result


@pytest.mark.slow
def test_each_fold_has_a_run_and_the_figures_are_theirs(undisturbed):
    workdir, result = undisturbed
    reports = [
        json.loads((workdir / f"fold_{fold}" / "report.json").read_text())
        for fold in range(2)
    ]
    losses = [report["metrics"]["loss"] for report in reports]
    assert len(set(losses)) == 2
    assert result.metrics["loss"] == tuple(losses)
    assert result.mean["loss"] == pytest.approx(np.mean(losses))
    assert result.deviation["loss"] == pytest.approx(np.std(losses, ddof=1))
    saved = json.loads((workdir / "cross_validation.json").read_text())
    assert saved["num_folds"] == 2
    assert saved["split"] == "test"
    assert saved["metrics"]["loss"]["folds"] == losses
    assert "det_accuracy" in result.table()


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_ends_the_same(undisturbed, tmp_path):
    _, expected = undisturbed
    datasets = folds_of()
    started = []

    def stopping(fold):
        started.append(fold)
        if fold == 1:
            raise KeyboardInterrupt
        return datasets(fold)

    with pytest.raises(KeyboardInterrupt):
        training.cross_validate(build, stopping, CONFIG, tmp_path, num_folds=2)
    assert started == [0, 1]
    lines = (tmp_path / "fold_0" / "metrics.jsonl").read_text()
    result = training.cross_validate(
        build, datasets, CONFIG, tmp_path, num_folds=2
    )
    # What was done is not trained again.
    assert (tmp_path / "fold_0" / "metrics.jsonl").read_text() == lines
    for key, values in expected.metrics.items():
        np.testing.assert_allclose(result.metrics[key], values, rtol=1e-6)


@pytest.mark.slow
def test_a_sequence_of_folds_and_a_random_builder(tmp_path):
    seen = []

    def build_randomly():
        model = build()
        seen.append(case.to_numpy(model.trainable_variables[0]))
        return model

    x, labels = case.vector_data(20)
    whole = tf.data.Dataset.from_tensor_slices((x, {"det": labels["det"]}))
    fold = {"train": whole.batch(10), "validation": whole.batch(10)}
    result = training.cross_validate(
        build_randomly, [fold, fold], {**CONFIG, "epochs": 1}, tmp_path
    )
    np.testing.assert_array_equal(seen[0], seen[1])
    assert result.reports[0].split == "validation"


def test_a_metric_that_a_fold_does_not_define_is_left_out():
    result = cross_validation.CrossValidation(
        tuple(
            Report("m", "d", 0, "test", {"auc": auc}, 1, 1.0, 1, {})
            for auc in (0.5, math.nan, 0.7)
        )
    )
    assert result.mean["auc"] == pytest.approx(0.6)
    assert result.deviation["auc"] == pytest.approx(0.02**0.5)
    assert "2 folds" in result.table()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": lambda fold: {}}, "`num_folds` is needed"),
        ({"data": [{}]}, "at least 2 folds"),
        ({"data": [{}, {}], "num_folds": 3}, "holds 2 folds"),
        ({"data": [{"train": 1}, {}]}, "Fold 0 .*'test'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        training.cross_validate(
            build, config=CONFIG, workdir=tmp_path, **arguments
        )


@pytest.mark.slow
def test_one_model_for_all_folds_is_refused(tmp_path):
    model = build()
    with pytest.raises(ValueError, match="a new model for each fold"):
        training.cross_validate(
            lambda: model,
            folds_of(2),
            {**CONFIG, "epochs": 1},
            tmp_path,
            num_folds=2,
        )


@pytest.mark.slow
def test_a_workdir_of_other_folds_is_refused(undisturbed):
    workdir, _ = undisturbed
    with pytest.raises(ValueError, match="num_folds: 2 there, 3 now"):
        training.cross_validate(
            build, folds_of(3), CONFIG, workdir, num_folds=3
        )
