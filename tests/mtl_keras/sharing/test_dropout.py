"""Dropout between trunk and heads."""

import json

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel
from tests import test_case as case
from tests.test_case import assert_close

WIDTH = 400


def mirrors(width=WIDTH):
    """Two heads that return the features they read."""
    inputs = keras.Input((width,))
    shared = keras.layers.Dense(
        width, kernel_initializer="identity", name="shared"
    )(inputs)
    outputs = {
        name: keras.layers.Activation("linear", name=name)(shared)
        for name in ("b", "a")
    }
    return MultiTaskModel(inputs, outputs)


def test_heads_read_the_same_dropped_features_in_training_only():
    model = mirrors()
    config = json.dumps(model.get_config(), default=str)
    model.compile("sgd", loss="mse", shared_dropout=0.25)
    ones = np.ones((8, WIDTH), "float32")
    first = model(ones, training=True)
    assert list(first) == ["b", "a"]
    values = case.to_numpy(first["a"])
    np.testing.assert_array_equal(values, case.to_numpy(first["b"]))
    assert_close((values == 0).mean(), 0.25, atol=0.03)
    assert_close(np.unique(values), [0, 1 / 0.75])
    again = case.to_numpy(model(ones, training=True)["a"])
    assert not np.array_equal(values, again)
    for answer in model(ones).values():
        np.testing.assert_array_equal(case.to_numpy(answer), ones)
    np.testing.assert_array_equal(model.predict(ones, verbose=0)["a"], ones)
    assert json.dumps(model.get_config(), default=str) == config


def compiled(model=None, rate=0.5, **options):
    model = model or case.vector_model()
    none = {"cls": [], "det": [], "box": []}
    model.compile("sgd", metrics=none, shared_dropout=rate, **options)
    return model


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_draws_anew_at_each_step(jit_compile):
    keras.utils.set_random_seed(0)
    model = mirrors(8)
    model.compile(
        keras.optimizers.SGD(0.0),
        loss="mse",
        shared_dropout=0.5,
        jit_compile=jit_compile,
    )
    x = np.ones((64, 8), "float32")
    labels = {"a": x, "b": x}
    one, two = (
        model.train_on_batch(x, labels, return_dict=True)["a_loss"]
        for _ in range(2)
    )
    # Half of the ones become 0 and half become 2; either is wrong by 1.
    assert_close([one, two], [1.0, 1.0])
    doubled = {"a": 2 * x, "b": x}
    one, two = (
        model.train_on_batch(x, doubled, return_dict=True)["a_loss"]
        for _ in range(2)
    )
    # The error is 4 where a one was dropped and 0 where it was not.
    assert_close([one, two], [2.0, 2.0], rtol=0.2)
    assert one != two
    logs = model.test_on_batch(x, labels, return_dict=True)
    assert logs["loss"] == 0


def test_output_that_another_head_reads_is_left_alone():
    inputs = keras.Input((8,))
    shared = keras.layers.Dense(6, name="shared")(inputs)
    a = keras.layers.Dense(2, name="a")(shared)
    both = keras.layers.Concatenate()([shared, a])
    b = keras.layers.Dense(1, name="b")(both)
    model = MultiTaskModel(inputs, {"a": a, "b": b})
    model.compile("sgd", loss="mse", shared_dropout=0.9)
    x = np.ones((4, 8), "float32")
    np.testing.assert_array_equal(
        case.to_numpy(model(x, training=True)["a"]),
        case.to_numpy(model(x)["a"]),
    )


def test_recompiling_leaves_no_state_behind(tmp_path):
    model = compiled(rate=0.5)
    count = len(model.variables)
    compiled(model, rate=0.1)
    assert len(model.variables) == count
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert restored.get_compile_config()["shared_dropout"] == 0.1
    x, labels = case.vector_data(16)
    restored.fit(x, labels, verbose=0)
    compiled(model, rate=0)
    before = model(x, training=True)["cls"]
    np.testing.assert_array_equal(
        case.to_numpy(before), case.to_numpy(model(x)["cls"])
    )


def test_recompiling_sets_the_rate():
    model = mirrors()
    for rate in (0.5, 0.25):
        model.compile("sgd", loss="mse", shared_dropout=rate)
        received = model(np.ones((8, WIDTH), "float32"), training=True)["a"]
        values = np.unique(case.to_numpy(received))
        assert_close(values, [0, 1 / (1 - rate)])


def test_weights_file_fits_with_and_without(tmp_path):
    path = tmp_path / "model.weights.h5"
    plain = case.vector_model(seed=1)
    plain.save_weights(path)
    dropping = compiled()
    dropping.load_weights(path)
    dropping.save_weights(path)
    other = case.vector_model(seed=2)
    other.load_weights(path)
    for one, two in zip(other.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(case.to_numpy(one), case.to_numpy(two))


@pytest.mark.parametrize("rate", [-0.1, 1.0, True, "0.5", None])
def test_rate_out_of_range_is_an_error(rate):
    with pytest.raises(ValueError, match=r"number in \[0, 1\)"):
        compiled(rate=rate)


def test_nothing_shared_is_an_error():
    inputs = keras.Input((8,))
    output = keras.layers.Dense(1, "sigmoid", name="det")(inputs)
    model = MultiTaskModel(inputs, {"det": output})
    with pytest.raises(ValueError, match="no head of this model reads"):
        model.compile("sgd", loss="binary_crossentropy", shared_dropout=0.5)
