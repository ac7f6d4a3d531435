"""Models whose losses couple the labels of a batch, trained to the end."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, losses, metrics
from tests import test_case as case
from tests.test_case import assert_close, weights_of


def patients(count=120, seed=0):
    """Inputs, survival, a diagnosis and a mask, each partly missing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 5)).astype("float32")
    risk = x[:, 0] - x[:, 1]
    time = rng.exponential(np.exp(-risk))
    labels = {
        "death": np.stack([time, rng.random(count) < 0.7], -1),
        "ill": (x[:, [2]] + 0.3 * rng.normal(size=(count, 1)) > 0.5) * 1.0,
        "mask": (rng.random((count, 6, 1)) < 0.5) * 1.0,
    }
    for name, share in (("death", 0.2), ("ill", 0.3), ("mask", 0.4)):
        gone = rng.random(labels[name].shape) < share
        labels[name] = np.where(gone, np.nan, labels[name]).astype("float32")
    return x, labels


def model_of(seed=0, *, ill="pairwise_auc", **options):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((5,), name="x")
    trunk = keras.layers.Dense(16, "tanh", name="trunk")(inputs)
    mask = keras.layers.Dense(6, "sigmoid", name="pixels")(trunk)
    outputs = {
        "death": keras.layers.Dense(1, name="death")(trunk),
        "ill": keras.layers.Dense(1, "sigmoid", name="ill")(trunk),
        "mask": keras.layers.Reshape((6, 1), name="mask")(mask),
    }
    model = MultiTaskModel(inputs, outputs)
    model.compile(
        options.pop("optimizer", keras.optimizers.SGD(0.1)),
        loss={"death": "cox", "ill": ill, "mask": "dice"},
        metrics={
            "death": ["c_index"],
            "ill": ["auc", "pr_auc"],
            "mask": ["dice"],
        },
        **options,
    )
    return model


@pytest.mark.sampled
@pytest.mark.parametrize(
    "ill, jit_compile",
    [("pairwise_auc", True), ("soft_f1", case.JIT_COMPILE[0])],
)
def test_training_raises_the_figures(ill, jit_compile):
    # All batches of one size: XLA compiles each size anew.
    x, labels = patients(100)
    model = model_of(
        ill=ill,
        jit_compile=jit_compile,
        optimizer=keras.optimizers.Adam(0.03),
    )
    options = {"batch_size": 50, "verbose": 0}
    before = model.evaluate(x, labels, return_dict=True, **options)
    model.fit(x, labels, epochs=20, **options)
    after = model.evaluate(x, labels, return_dict=True, **options)
    assert np.isfinite(list(after.values())).all()
    assert after["loss"] < before["loss"]
    assert after["death_c_index"] > 0.75
    assert after["ill_auc"] > 0.9


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", case.JIT_COMPILE)
def test_rows_without_any_label_change_no_weight(jit_compile):
    x, labels = patients(60)
    extra = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    none = {
        n: np.full((7, *a.shape[1:]), np.nan, "f4") for n, a in labels.items()
    }
    models = [model_of(jit_compile=jit_compile) for _ in range(2)]
    models[0].train_on_batch(x, labels)
    models[1].train_on_batch(
        np.concatenate([x, extra]),
        {n: np.concatenate([a, none[n]]) for n, a in labels.items()},
    )
    expected = weights_of(models[0])
    for path, value in weights_of(models[1]).items():
        assert_close(value, expected[path], rtol=1e-4, atol=1e-6)


def test_logged_losses_are_those_worked_by_hand():
    x, labels = patients(60)
    model = model_of()
    logs = model.evaluate(x, labels, batch_size=60, verbose=0, return_dict=True)
    answers = model.predict(x, verbose=0)
    for name, loss in (("death", "cox"), ("ill", "pairwise_auc")):
        there = ~np.isnan(labels[name]).any(-1)
        values = losses.get(loss).call(
            labels[name][there], answers[name][there]
        )
        assert logs[f"{name}_loss"] == pytest.approx(
            float(np.mean(values)), rel=1e-5
        )
    there = ~np.isnan(labels["death"]).any(-1)
    index = metrics.CIndex().result(
        {"t": labels["death"][there]},
        {"t": answers["death"][there]},
        {"t": np.ones(there.sum())},
        "t",
    )
    assert logs["death_c_index"] == pytest.approx(index, abs=1e-6)


@pytest.mark.slow(on_jax=True)
def test_is_saved_and_loaded_with_its_losses(tmp_path):
    x, labels = patients(60)
    model = model_of()
    model.fit(x, labels, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    expected = model.evaluate(x, labels, verbose=0, return_dict=True)
    received = again.evaluate(x, labels, verbose=0, return_dict=True)
    assert received == pytest.approx(expected, rel=1e-6)
