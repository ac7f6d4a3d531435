"""Training resumes after a reload as if it had never stopped."""

import copy

import keras
import numpy as np
import pytest
from keras import optimizers

from mtl_keras import MultiTaskModel
from mtl_keras.optimizers import PerPart
from mtl_keras.training import checkpoint
from tests import test_case as case

X, LABELS = case.vector_data(16 * 3)
OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(
        optimizers.schedules.CosineDecay(0.01, 20),
        use_ema=True,
        ema_momentum=0.5,
        gradient_accumulation_steps=2,
        global_clipnorm=0.5,
    ),
    "parts": lambda: PerPart(
        {
            "trunk": optimizers.AdamW(0.01, weight_decay=0.1),
            "heads": optimizers.SGD(0.1, momentum=0.9, use_ema=True),
        }
    ),
    "scaled": lambda: optimizers.LossScaleOptimizer(
        optimizers.Adam(0.01), initial_scale=2.0**20, dynamic_growth_steps=2
    ),
}


def compiled(optimizer, dropout, seed=0, *, run_eagerly=False):
    """A model with BatchNorm, and dropout of its own and of the frontier."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    inputs = keras.Input((8,), name="x")
    trunk = layers.Dense(16, "tanh", name="trunk")(inputs)
    trunk = layers.BatchNormalization(name="norm")(trunk)
    trunk = layers.Dropout(dropout, name="dropout")(trunk)
    outputs = {
        "cls": layers.Dense(3, "softmax", name="cls")(trunk),
        "det": layers.Dense(1, "sigmoid", name="det")(trunk),
        "box": layers.Dense(4, "sigmoid", name="box")(trunk),
    }
    model = MultiTaskModel(inputs, outputs, tasks=case.TASKS)
    model.compile(
        OPTIMIZERS[optimizer](),
        shared_dropout=dropout,
        run_eagerly=run_eagerly,
        # What is restored is the same; compiling takes longer than training.
        jit_compile=False,
    )
    return model


def train(model):
    model.fit(X, LABELS, batch_size=16, shuffle=False, verbose=0)
    return model


def by_keras_file(model, fresh, folder):
    del fresh
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def by_copy(model, fresh, folder):
    del fresh, folder
    return copy.deepcopy(model)


def by_weights(model, fresh, folder):
    model.save_weights(folder / "model.weights.h5")
    # Without its variables, Keras skips the optimizer's state and warns.
    fresh.optimizer.build(fresh.trainable_variables)
    fresh.load_weights(folder / "model.weights.h5")
    return fresh


def by_checkpoint(model, fresh, folder):
    checkpoint.save(model, folder / "checkpoint.npz", {})
    fresh.optimizer.build(fresh.trainable_variables)
    checkpoint.restore(fresh, folder / "checkpoint.npz")
    return fresh


WAYS = {
    "keras": by_keras_file,
    "copy": by_copy,
    "weights": by_weights,
    "checkpoint": by_checkpoint,
}
# In a graph, as most trainings: every way and every optimizer once.
IN_GRAPH = {
    ("keras", "parts", 0.4),
    ("weights", "adam", 0.0),
    ("copy", "scaled", 0.4),
    ("checkpoint", "adam", 0.4),
}
FAST = {("keras", "parts"), ("weights", "adam")}
# Weights alone do not say where dropout stands.
CASES = [
    pytest.param(
        way,
        optimizer,
        dropout,
        marks=[pytest.mark.slow] * ((way, optimizer) not in FAST),
    )
    for way in WAYS
    for optimizer in OPTIMIZERS
    for dropout in (0.0, 0.4)
    if not (way == "weights" and dropout)
]


@pytest.mark.sampled
@pytest.mark.parametrize(("way", "optimizer", "dropout"), CASES)
def test_training_goes_on_alike(way, optimizer, dropout, tmp_path):
    # Tracing takes longer than so small a training.
    eager = {"run_eagerly": (way, optimizer, dropout) not in IN_GRAPH}
    model = train(compiled(optimizer, dropout, **eager))
    fresh = compiled(optimizer, dropout, seed=1, **eager)
    restored = WAYS[way](model, fresh, tmp_path)
    assert restored is not model
    before = model.get_weights()
    for each in (model, restored):
        # The second `fit` starts from what the first one left.
        train(train(each))
    assert_same(restored.weights, model.weights)
    assert_same(restored.optimizer.variables, model.optimizer.variables)
    assert not np.array_equal(before[0], model.get_weights()[0])


def assert_same(received, expected):
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_array_equal(
            case.to_numpy(one), case.to_numpy(other), err_msg=one.path
        )


def test_file_without_generators_loads_and_weights_fit_plain_keras(tmp_path):
    model = compiled("scaled", 0.4)
    weights = tmp_path / "model.weights.h5"
    model.save_weights(weights)
    plain = keras.Model(model.inputs, model.output)
    plain.load_weights(weights)
    assert_same(plain.weights, model.weights)
    generators = [case.to_numpy(v) for v in model.variables]
    # A file of an earlier version has no assets, or none of ours.
    model.load_assets(None)
    model.load_assets(tmp_path)
    assert_same(model.variables, generators)
