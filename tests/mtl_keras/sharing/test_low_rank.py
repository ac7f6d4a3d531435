"""Low-rank sharing: what its factors are."""

import keras
import numpy as np
import pytest
from keras import layers

import mtl_keras
from tests.mtl_keras.sharing import cases


def _build(trunk, rank, shape=(4,)):
    return mtl_keras.build(
        keras.Input(shape),
        cases.tasks(),
        trunk=trunk,
        sharing={"name": "low_rank", "rank": rank},
    )


def _features(model, task, x):
    """What a head reads."""
    layer = model.get_layer(task)
    tensor = layer.input
    return keras.Model(model.input, tensor)(x)


def test_full_rank_holds_any_two_separate_trunks():
    model = _build(lambda x: layers.Dense(6, name="zero")(x), rank=4)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 4)).astype("float32")
    model.get_layer("zero_basis").set_weights([np.eye(4)])
    for task in ("a", "b"):
        kernel, bias = rng.normal(size=(4, 6)), rng.normal(size=6)
        model.get_layer(f"{task}_zero").set_weights([kernel, bias])
        np.testing.assert_allclose(
            _features(model, task, x), x @ kernel + bias, atol=1e-5
        )


def _convolution(filters=5):
    return layers.Conv2D(
        filters, 3, strides=2, padding="same", activation="relu", name="conv"
    )


def test_a_convolution_is_one_with_the_product_of_its_factors():
    model = _build(lambda x: _convolution()(x), rank=2, shape=(6, 6, 3))
    basis = model.get_layer("conv_basis").get_weights()[0]
    own, bias = model.get_layer("b_conv").get_weights()
    # By hand: 3 x 3 x 3 rows, rank 2, then 2 x 5 and a bias.
    assert (basis.size, own.size, bias.size) == (54, 10, 5)
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    layer = _convolution()
    layer.build((None, 6, 6, 3))
    layer.set_weights([basis @ own, bias])
    # The head pools; compare what enters it.
    inner = keras.Model(model.input, model.get_layer("b_conv").output)
    np.testing.assert_allclose(keras.ops.relu(inner(x)), layer(x), atol=1e-5)


def test_loaded_weights_start_from_their_best_approximation():
    rng = np.random.default_rng(1)
    given = keras.Sequential([keras.Input((4,)), layers.Dense(6, name="zero")])
    kernel, bias = rng.normal(size=(4, 6)), rng.normal(size=6)
    given.set_weights([kernel, bias])
    scales = np.linalg.svd(kernel)[1]
    for rank in (1, 3, 4):
        model = _build(given, rank)
        basis = model.get_layer("zero_basis").get_weights()[0]
        for task in ("a", "b"):
            own, own_bias = model.get_layer(f"{task}_zero").get_weights()
            error = np.linalg.norm(kernel - basis @ own)
            expected = np.sqrt(np.sum(scales[rank:] ** 2))
            assert error == pytest.approx(expected, abs=1e-5)
            np.testing.assert_allclose(own_bias, bias, atol=1e-6)


@pytest.mark.parametrize("rank, expected", [(0.5, 2), (1.0, 4), (0.01, 1)])
def test_a_fraction_is_of_the_full_rank(rank, expected):
    model = _build(lambda x: layers.Dense(6, name="zero")(x), rank)
    assert model.get_layer("zero_basis").units == expected


@pytest.mark.parametrize("name", ["low_rank", "lora"])
@pytest.mark.parametrize(
    "rank, message",
    [
        (5, "above the full rank of the layer 'zero', 4"),
        (0, "`rank` must be an integer of at least 1"),
        (1.5, "`rank` must be a finite number"),
        ("2", "`rank` must be an integer"),
    ],
)
def test_wrong_rank_is_refused(name, rank, message):
    with pytest.raises(ValueError, match=message):
        mtl_keras.build(
            keras.Input((4,)),
            cases.tasks(),
            trunk=lambda x: layers.Dense(6, name="zero")(x),
            sharing={"name": name, "rank": rank},
        )


@pytest.mark.parametrize("name", ["low_rank", "lora", "mapped"])
@pytest.mark.parametrize(
    "trunk, message",
    [
        (lambda x: layers.Dropout(0.5)(x), "the trunk has none"),
        (
            lambda x: layers.Conv2D(4, 1, groups=2)(x),
            "convolutions of one group",
        ),
    ],
)
def test_trunk_without_a_kernel_to_rewrite_is_refused(name, trunk, message):
    with pytest.raises(ValueError, match=message):
        mtl_keras.build(
            keras.Input((4, 4, 2)),
            cases.tasks(),
            trunk=trunk,
            sharing=name,
        )


def test_normalization_is_each_tasks_own():
    def trunk(x):
        x = layers.BatchNormalization(name="norm")(layers.Dense(3)(x))
        return layers.LayerNormalization(name="layer_norm")(x)

    model = _build(trunk, 2)
    names = {layer.name for layer in model.layers}
    assert {"a_norm", "b_norm", "layer_norm"} < names
