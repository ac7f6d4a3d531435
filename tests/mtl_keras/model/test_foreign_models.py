"""Models that others built become multi-task models in one line."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, graph
from mtl_keras.optimizers import PerPart
from tests import test_case as case


def assert_trains(
    model, x, labels, losses, optimizer="adam", jit_compile=True, **options
):
    """Two compiled steps move the trunk and every head, by finite losses."""
    model.compile(optimizer, loss=losses, jit_compile=jit_compile, **options)
    parts = graph.partition(model)
    groups = {"trunk": parts.trunk, **parts.heads}
    before = {
        name: [case.to_numpy(v.value) for v in part.trainable_variables]
        for name, part in groups.items()
    }
    history = model.fit(x, labels, batch_size=8, verbose=0).history
    for name in losses:
        assert np.isfinite(history[f"{name}_loss"]).all(), name
    for name, part in groups.items():
        moved = [
            np.abs(case.to_numpy(v.value) - old).max()
            for v, old in zip(
                part.trainable_variables, before[name], strict=True
            )
        ]
        assert max(moved) > 0, name
    answers = model.predict(x, verbose=0)
    assert set(answers) == set(losses)


def labels_of(num_examples, rng):
    box = np.sort(rng.uniform(size=(num_examples, 2, 2)), axis=1)
    labels = {
        "cls": rng.integers(0, 5, num_examples).astype("int32"),
        "det": rng.integers(0, 2, num_examples).astype("float32"),
        "box": box.reshape(num_examples, 4).astype("float32"),
    }
    labels["cls"][::3] = -1
    labels["box"][::4] = np.nan
    return labels


LOSSES = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_crossentropy",
    "box": "huber",
}


@pytest.mark.slow
def test_network_of_keras_applications_with_three_heads():
    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 3),
        weights=None,
        include_top=False,
        pooling="avg",
        include_preprocessing=False,
    )
    dense = keras.layers.Dense
    model = MultiTaskModel(
        network.input,
        {
            "cls": dense(5, "softmax", name="cls")(network.output),
            "det": dense(1, "sigmoid", name="det")(network.output),
            "box": dense(4, "sigmoid", name="box")(network.output),
        },
    )
    parts = graph.partition(model)
    assert {id(v) for v in parts.shared_variables} == {
        id(v) for v in network.weights
    }
    assert [len(head.weights) for head in parts.heads.values()] == [2, 2, 2]
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, size=(16, 32, 32, 3)).astype("float32")
    optimizer = PerPart(
        {"trunk": keras.optimizers.AdamW(1e-3), "heads": "adam"}
    )
    # XLA would take a minute to compile a hundred layers.
    labels = labels_of(16, rng)
    assert_trains(model, x, labels, LOSSES, optimizer, jit_compile=False)


def two_towers():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    user = keras.Input((6,), name="user")
    item = keras.Input((4,), name="item")
    # Read by one task only: the whole tower is that task's own.
    price = keras.Input((2,), name="price")
    left = keras.Sequential(
        [layers.Dense(8, "relu", name="left"), layers.BatchNormalization()]
    )(user)
    right = layers.Dense(8, "relu", name="right")(item)
    match = layers.Dot(1, normalize=True)([left, right])
    both = layers.Concatenate()([left, right, match])
    own = layers.Dense(3, "relu", name="own")(price)
    return keras.Model(
        {"user": user, "item": item, "price": price},
        {
            "click": layers.Dense(1, "sigmoid", name="click")(both),
            "buy": layers.Dense(1, "sigmoid", name="buy")(
                layers.Concatenate()([both, own])
            ),
        },
    )


def test_two_towers_with_a_private_input():
    towers = two_towers()
    model = MultiTaskModel(towers.input, towers.output)
    parts = graph.partition(model)
    owners = {
        name: {v.path.split("/")[-2] for v in variables}
        for name, variables in parts.task_variables.items()
    }
    assert owners == {"click": {"click"}, "buy": {"own", "buy"}}
    rng = np.random.default_rng(0)
    x = {
        name: rng.normal(size=(16, *tensor.shape[1:])).astype("float32")
        for name, tensor in towers.input.items()
    }
    labels = {
        name: rng.integers(0, 2, 16).astype("float32")
        for name in ("click", "buy")
    }
    labels["buy"][::2] = np.nan
    losses = dict.fromkeys(labels, "binary_crossentropy")
    assert_trains(model, x, labels, losses)


@keras.saving.register_keras_serializable(package="tests")
class Opaque(keras.Model):
    """A trunk whose `call` is Python code."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(8)
        self.norm = keras.layers.BatchNormalization()

    def call(self, x, training=False):
        return keras.ops.tanh(self.norm(self.dense(x), training=training))


@pytest.mark.slow
def test_trunk_of_python_code_is_shared_as_a_whole():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    hidden = Opaque(name="opaque")(inputs)
    dense = keras.layers.Dense
    model = MultiTaskModel(
        inputs,
        {
            "cls": dense(5, "softmax", name="cls")(hidden),
            "det": dense(1, "sigmoid", name="det")(hidden),
            "box": dense(4, "sigmoid", name="box")(hidden),
        },
    )
    assert "opaque is a subclassed model" in graph.describe(model)
    assert len(graph.partition(model).shared_variables) == 6
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 6)).astype("float32")
    assert_trains(
        model,
        x,
        labels_of(16, rng),
        LOSSES,
        PerPart({"trunk": "sgd", "heads": "adam"}),
        shared_regularizer="l2",
        shared_dropout=0.1,
    )
