"""Mixtures of experts with a gate for each task."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import graph, sharing
from tests.mtl_keras.sharing import small


def test_gates_sum_to_one_and_differ_between_tasks():
    model = small.build("mmoe", num_experts=3)
    x = small.inputs()
    gates = [small.gate_weights(model, f"{t}_gate", x) for t in ("a", "b")]
    for gate in gates:
        assert gate.shape == (5, 3)
        np.testing.assert_allclose(gate.sum(axis=1), 1.0, atol=1e-6)
    assert np.abs(gates[0] - gates[1]).max() > 0.01


def test_a_head_reads_the_gated_sum_of_the_experts():
    model = small.build("mmoe", num_experts=2)
    x = small.inputs()
    experts = [
        ops.convert_to_numpy(model.get_layer(f"expert_{i}")(x)) for i in (0, 1)
    ]
    (kernel,) = model.get_layer("b_gate").get_weights()
    logits = np.exp(x @ kernel)
    weights = logits / logits.sum(axis=1, keepdims=True)
    mixed = sum(weights[:, [i]] * experts[i] for i in (0, 1))
    head, bias = model.get_layer("b").get_weights()
    np.testing.assert_allclose(
        small.predictions(model, x)["b"], mixed @ head + bias, atol=1e-5
    )


def test_one_expert_is_the_plain_trunk():
    model = small.build("mmoe", num_experts=1)
    small.assert_is_the_plain_trunk(model, small.inputs())


def test_gates_of_maps_read_the_pooled_features_of_the_experts():
    def trunk(x):
        return layers.Conv2D(3, 3, padding="same")(x)

    model = small.build("mmoe", num_experts=2, trunk=trunk, shape=(6, 6, 2))
    assert model.get_layer("a_gate").kernel.shape == (2 * 3, 2)
    assert model(small.inputs(3, (6, 6, 2)))["a"].shape == (3, 1)


def test_gates_read_what_they_are_told_to():
    model = small.build("mmoe", num_experts=2, gate_reads="features")
    assert model.get_layer("a_gate").kernel.shape == (2 * 4, 2)
    with pytest.raises(ValueError, match="vectors of floating point numbers"):
        small.build(
            "mmoe",
            trunk=lambda x: layers.Flatten()(x),
            shape=(3, 3, 1),
            gate_reads="inputs",
        )


def test_masks_of_sequences_pass_the_mixture():
    def trunk(x):
        return layers.Embedding(9, 4, mask_zero=True)(x)

    keras.utils.set_random_seed(0)
    words = keras.Input((6,), dtype="int32")
    features = sharing.get("mmoe", num_experts=2).features(
        words, ("a", "b"), sharing.Trunk.of(trunk)
    )
    pooled = layers.GlobalAveragePooling1D()
    model = keras.Model(words, [pooled(features["a"]), features["a"]])
    x = np.array([[3, 4, 0, 0, 0, 0]], "int32")
    mean, tokens = (ops.convert_to_numpy(v) for v in model(x))
    np.testing.assert_allclose(mean, tokens[:, :2].mean(axis=1), atol=1e-6)


def test_experts_are_shared_and_gates_are_not():
    parts = graph.partition(small.build("mmoe", num_experts=2))
    assert len(parts.shared_variables) == 2 * 4
    own = [v.path for v in parts.task_variables["a"]]
    assert own == ["a_gate/kernel", "a/kernel", "a/bias"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_experts": 0}, "at least 1"),
        ({"num_experts": 2.5}, "must be an integer"),
        ({"gate_reads": "input"}, "gate_reads"),
    ],
)
def test_impossible_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sharing.get("mmoe", **arguments)
