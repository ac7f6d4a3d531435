"""The penalty on what tasks share."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel
from tests import test_case as case
from tests.test_case import assert_close

NO_METRICS = {"cls": [], "det": [], "box": []}


def compiled(model=None, **options):
    model = model or case.vector_model()
    options.setdefault("optimizer", keras.optimizers.SGD(0.1))
    model.compile(metrics=NO_METRICS, **options)
    return model


def two_lines():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    trunk = keras.layers.Dense(4, name="trunk")(inputs)
    return MultiTaskModel(
        inputs, {n: keras.layers.Dense(1, name=n)(trunk) for n in "ab"}
    )


def penalty_by_hand(model):
    kernel = case.to_numpy(model.get_layer("trunk").kernel)
    return 0.01 * (kernel**2).sum()


@pytest.mark.parametrize(
    "regularizer", ["l2", keras.regularizers.L2(0.01), keras.regularizers.L2]
)
def test_penalty_of_the_trunk_is_in_the_total_and_in_no_task(regularizer):
    x, labels = case.vector_data(48)
    model = compiled(shared_regularizer=regularizer)
    logs = model.evaluate(x, labels, verbose=0, return_dict=True)
    tasks = sum(logs[f"{name}_loss"] for name in model.tasks)
    assert_close(logs["loss"] - tasks, penalty_by_hand(model), rtol=1e-4)


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", [False, True])
def test_penalty_pulls_at_the_trunks_kernel_only(jit_compile):
    x, _ = case.vector_data(32)
    labels = {"a": x[:, :1], "b": x[:, 1:2]}
    before = case.weights_of(two_lines())
    after = []
    for regularizer in (None, "l2"):
        model = two_lines()
        model.compile(
            keras.optimizers.SGD(0.1),
            loss="mse",
            shared_regularizer=regularizer,
            jit_compile=jit_compile,
        )
        model.train_on_batch(x, labels)
        after.append(case.weights_of(model))
    plain, pulled = after
    assert set(before) == {
        f"{layer}/{name}"
        for layer in ("trunk", "a", "b")
        for name in ("kernel", "bias")
    }
    for path in before:
        pull = 0.1 * 2 * 0.01 * before[path] if path == "trunk/kernel" else 0.0
        assert_close(plain[path] - pulled[path], pull, atol=1e-7)


def test_frozen_kernel_costs_nothing():
    model = case.vector_model()
    model.get_layer("trunk").trainable = False
    compiled(model, shared_regularizer="l2")
    x, labels = case.vector_data(32)
    logs = model.evaluate(x, labels, verbose=0, return_dict=True)
    assert_close(logs["loss"], sum(logs[f"{n}_loss"] for n in model.tasks))


def test_penalty_survives_a_reload(tmp_path):
    x, labels = case.vector_data(32)
    model = compiled(shared_regularizer=keras.regularizers.L1L2(0.01, 0.02))
    model.fit(x, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, restored):
        each.fit(x, labels, verbose=0, shuffle=False)
    for received, expected in zip(
        restored.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(received, expected)


def test_recompiling_takes_the_penalty_away():
    x, labels = case.vector_data(32)
    model = compiled(compiled(shared_regularizer="l2"))
    logs = model.evaluate(x, labels, verbose=0, return_dict=True)
    assert_close(logs["loss"], sum(logs[f"{n}_loss"] for n in model.tasks))


def test_unknown_name_is_an_error():
    with pytest.raises(ValueError, match="Did you mean 'l2'"):
        compiled(shared_regularizer="l3")
    with pytest.raises(ValueError, match="must be a regularizer of Keras"):
        compiled(shared_regularizer=0.1)


def test_nothing_shared_is_an_error():
    inputs = keras.Input((8,))
    output = keras.layers.Dense(1, "sigmoid", name="det")(inputs)
    model = MultiTaskModel(inputs, {"det": output})
    with pytest.raises(ValueError, match="share no kernel"):
        model.compile(
            "sgd", loss="binary_crossentropy", shared_regularizer="l2"
        )
