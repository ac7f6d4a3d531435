"""Parts learn apart, and a head over them averages their logits."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.molecules import averaged_parts
from zoo.molecules.averaged_parts import OnePart

PARTS = [np.full((4000, 2), 3.0), np.full((4000, 1), 5.0)]


def test_a_single_part_stays_as_it_is():
    part = object()
    assert averaged_parts.join({"graph": part}, {"graph": 3}) is part


def test_head_averages_logits():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(5, size)).astype("float32") for size in (2, 3)]
    kernel = rng.normal(size=(5, 4)).astype("float32")
    joined = ops.convert_to_numpy(OnePart([1, 3])(parts, training=False))
    expected = (parts[0] @ kernel[:2] + parts[1] @ kernel[2:]) / 2
    np.testing.assert_allclose(joined @ kernel, expected, rtol=1e-5)


def test_each_example_trains_one_part_by_its_chance():
    layer = OnePart([1, 3], seed=0)
    joined = ops.convert_to_numpy(layer(PARTS, training=True))
    is_first, is_second = (joined == [3, 3, 0]), (joined == [0, 0, 5])
    assert (is_first.all(axis=1) ^ is_second.all(axis=1)).all()
    # 3,000 of 4,000, five standard deviations of 27.
    assert abs(is_second.all(axis=1).sum() - 3000) < 137
    again = ops.convert_to_numpy(layer(PARTS, training=True))
    assert (joined != again).any()


def test_config_makes_the_same_layer():
    config = OnePart([1, 3], seed=7).get_config()
    one, two = (OnePart.from_config(config) for _ in range(2))
    np.testing.assert_array_equal(
        *(ops.convert_to_numpy(x(PARTS, training=True)) for x in (one, two))
    )


@pytest.mark.parametrize("jit_compile", [False, True])
def test_no_part_waits_for_another(jit_compile):
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((2,)), keras.Input((1,))]
    features = OnePart([1, 1], seed=0)(inputs)
    outputs = layers.Dense(1, use_bias=False)(features)
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse", jit_compile=jit_compile)
    before = model.get_weights()[0]
    x = [np.ones((64, 2), "float32"), np.ones((64, 1), "float32")]
    model.fit(x, np.full((64, 1), 9.0), verbose=0)
    assert (model.get_weights()[0] != before).all()


def test_parts_of_assays_answer_alone():
    """The mean of the logits of both parts, each from its own inputs."""
    model = zoo.load("assays", trunk="ngrams_graph", units=8, atom_units=8)
    inputs, _ = model.preprocessor({"smiles": ["CCO", "c1ccccc1Cl"]})
    features = keras.Model(model.inputs, model.get_layer("one_part").output)
    joined = ops.convert_to_numpy(features(inputs))
    head = model.get_layer("assays")
    kernel, bias = (ops.convert_to_numpy(w) for w in head.weights)
    logits = joined @ kernel + bias
    output = ops.convert_to_numpy(model(inputs)["assays"])
    np.testing.assert_allclose(output, 1 / (1 + np.exp(-logits)), rtol=1e-5)
    parts = np.split(joined, 2, axis=1)
    assert all(np.abs(part).max() > 0 for part in parts)
