"""What is frozen does not move, whatever the optimizer does."""

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, Task, transfer
from tests import test_case as case

NEW = Task("new", "presence")


def model_that_could_move():
    """Batch statistics, dropout, penalties and seeds in trunk and heads."""
    keras.utils.set_random_seed(0)
    x = keras.Input((6,), name="x")
    inner = keras.Input((6,))
    h = layers.Dense(5, name="dense", kernel_regularizer="l2")(inner)
    h = layers.BatchNormalization(name="norm")(h)
    trunk = keras.Model(inner, layers.Dropout(0.5)(h), name="trunk")
    h = trunk(x)
    outputs = {}
    for name in "ab":
        own = layers.BatchNormalization(name=f"{name}_norm")(h)
        head = layers.Dense(1, "sigmoid", kernel_regularizer="l2", name=name)
        outputs[name] = head(own)
    tasks = [Task(name, "presence") for name in "ab"]
    return MultiTaskModel(x, outputs, tasks=tasks)


def batch():
    rng = np.random.default_rng(0)
    x = rng.normal(2, 3, size=(24, 6)).astype("float32")
    return x, {"new": rng.integers(0, 2, 24).astype("int32")}


def optimizer():
    # The average overwrites the weights in every step.
    return keras.optimizers.AdamW(
        0.1, weight_decay=0.5, use_ema=True, ema_overwrite_frequency=1
    )


def weights(model):
    return {
        variable.path: case.to_numpy(variable.value).copy()
        for variable in model.variables
        if "seed" not in variable.path
    }


@pytest.mark.filterwarnings("ignore:CAGrad has nothing to balance")
@pytest.mark.parametrize(
    "loss_weights", [None, pytest.param("cagrad", marks=pytest.mark.slow)]
)
def test_only_the_new_head_moves(loss_weights):
    x, labels = batch()
    model = model_that_could_move()
    new = transfer.add_task(model, NEW)
    new.compile(
        optimizer(),
        loss_weights=loss_weights,
        shared_regularizer="l2",
        jit_compile=case.JIT_COMPILE[0],
    )
    before, outputs = weights(new), new.predict(x, verbose=0)
    if loss_weights == "cagrad":
        # Labels of the earlier tasks change nothing either.
        labels = {**labels, "a": labels["new"], "b": 1 - labels["new"]}
    new.fit(x, labels, batch_size=8, epochs=2, verbose=0)
    after = weights(new)
    moved = {
        path
        for path, value in before.items()
        if not np.array_equal(value, after[path])
    }
    assert moved == {"new/kernel", "new/bias"}
    received = new.predict(x, verbose=0)
    for task in "ab":
        np.testing.assert_array_equal(received[task], outputs[task])
        np.testing.assert_array_equal(
            received[task], model.predict(x, verbose=0)[task]
        )
    # The optimizer holds nothing of what is frozen.
    slots = [v for v in new.optimizer.variables if v.path.count("dense")]
    assert not slots


def test_frozen_features_do_not_move_and_then_are_unfrozen():
    x, labels = batch()
    model = model_that_could_move()
    new = transfer.features(model, NEW)
    new.compile(optimizer(), jit_compile=case.JIT_COMPILE[0])
    before = weights(new)
    new.fit(x, labels, batch_size=8, verbose=0)
    after = weights(new)
    for path, value in before.items():
        is_new = path.startswith("new/")
        assert np.array_equal(value, after[path]) != is_new, path
    assert transfer.unfreeze(new, 1) == ["norm"]
    new.compile(optimizer(), jit_compile=case.JIT_COMPILE[0])
    new.fit(x, labels, batch_size=8, verbose=0)
    last = weights(new)
    for path, value in after.items():
        is_frozen = path.startswith(("trunk/dense", "dense"))
        assert np.array_equal(value, last[path]) == is_frozen, path
