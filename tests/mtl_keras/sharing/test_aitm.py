"""AITM: the attention of the paper, and its penalty."""

import keras
import numpy as np
import pytest

from mtl_keras.sharing.aitm import NoMoreThan, TransferAttention
from tests.mtl_keras.sharing import cases


def test_attention_is_the_formula_of_the_paper():
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(2, 5, 4)).astype("float32")
    layer = TransferAttention()
    layer.build([(5, 4), (5, 4)])
    maps = rng.normal(size=(3, 4, 4)).astype("float32")
    for dense, kernel in zip(
        (layer.query, layer.key, layer.value), maps, strict=True
    ):
        dense.set_weights([kernel, np.zeros(4)])
    query, key, value = maps
    scores = np.stack(
        [np.sum((u @ query) * (u @ key), axis=-1) / 2.0 for u in (p, q)]
    )
    weights = np.exp(scores) / np.exp(scores).sum(axis=0)
    expected = sum(
        w[:, None] * (u @ value) for w, u in zip(weights, (p, q), strict=True)
    )
    np.testing.assert_allclose(layer([p, q]), expected, atol=1e-5)


def test_penalty_is_the_mean_excess_over_the_task_before():
    layer = NoMoreThan(0.6)
    bound = np.array([[0.5], [0.2]], "float32")
    probability = np.array([[0.1], [0.6]], "float32")
    np.testing.assert_array_equal(layer([bound, probability]), probability)
    assert float(layer.losses[0]) == pytest.approx(0.6 * 0.4 / 2)


def test_first_task_reads_its_own_tower_alone():
    model = cases.build("aitm")
    x, _ = cases.data("aitm")
    before = keras.ops.convert_to_numpy(model(x)["a"])
    for name in ("b_tower", "b_transfer", "b_attention", "b_probability"):
        layer = model.get_layer(name)
        layer.set_weights([0 * w for w in layer.get_weights()])
    np.testing.assert_array_equal(model(x)["a"], before)


def test_without_a_penalty_no_loss_is_added():
    model = cases.build("aitm", penalty=0.0)
    x, _ = cases.data("aitm")
    model(x)
    assert model.losses == []
