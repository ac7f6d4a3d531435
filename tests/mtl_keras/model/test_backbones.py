"""A backbone in KerasHub's form, called as one layer."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import MultiTaskModel, balancing, graph
from tests import test_case as case


@keras.saving.register_keras_serializable(package="tests")
class Backbone(keras.Model):
    """Builds its graph in the constructor and overrides nothing else.

    As `keras_hub.models.Backbone` does; its config is the arguments.
    """

    def __init__(self, width, **kwargs):
        inputs = keras.Input((8, 8, 3), name="images")
        low = layers.Conv2D(width, 3, 2, "same", name="low")(inputs)
        low = layers.BatchNormalization(name="norm")(low)
        high = layers.Conv2D(width, 3, 2, "same", name="high")(low)
        super().__init__(inputs, {"P1": low, "P2": high}, **kwargs)
        self.width = width

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "width": self.width,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="tests")
class Doubled(Backbone):
    """Runs Python code around the graph."""

    def call(self, inputs, training=None, mask=None):
        features = super().call(inputs, training=training, mask=mask)
        return {name: 2.0 * value for name, value in features.items()}


RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 8, 8, 3)).astype("float32")
Y = {n: RNG.normal(size=(8, 1)).astype("float32") for n in ("a", "b", "c")}


def model_on(backbone):
    """Heads `a` and `b` read the fine scale, `b` and `c` the coarse one."""
    inputs = keras.Input((8, 8, 3))
    features = backbone(inputs)
    fine = layers.GlobalAveragePooling2D()(features["P1"])
    coarse = layers.GlobalAveragePooling2D()(features["P2"])
    both = layers.Concatenate()([fine, coarse])
    read = {"a": fine, "b": both, "c": coarse}
    return MultiTaskModel(
        inputs, {n: layers.Dense(1, name=n)(t) for n, t in read.items()}
    )


def taken_apart(model):
    """The same graph and weights without the nested model."""
    inputs = keras.Input((8, 8, 3))
    inner = Backbone(4, name="plain")
    fine = inner.get_layer("norm")(inner.get_layer("low")(inputs))
    coarse = inner.get_layer("high")(fine)
    pooled = layers.GlobalAveragePooling2D()(fine)
    other = layers.GlobalAveragePooling2D()(coarse)
    both = layers.Concatenate()([pooled, other])
    read = {"a": pooled, "b": both, "c": other}
    apart = MultiTaskModel(
        inputs, {n: layers.Dense(1, name=n)(t) for n, t in read.items()}
    )
    for name in ("low", "norm", "high"):
        layer = model.get_layer("backbone").get_layer(name)
        apart.get_layer(name).set_weights(layer.get_weights())
    for name in Y:
        apart.get_layer(name).set_weights(model.get_layer(name).get_weights())
    return apart


def test_the_graph_of_a_backbone_is_opened():
    model = model_on(Backbone(4, name="backbone"))
    parts = graph.partition(model)
    assert parts.opaque == () and parts.opened == ("backbone",)
    assert {v.path.split("/")[-2] for v in parts.shared_variables} == {
        *("low", "norm", "high")
    }
    description = graph.describe(model)
    assert "low, norm, high" in description
    assert "backbone is a nested model" in description
    # The frontier is where heads read the backbone: both scales, pooled.
    names = [parts.readers(slot) for slot in parts.frontier]
    assert sorted(map(tuple, names)) == [("a", "b"), ("b", "c")]
    received = parts.run([ops.convert_to_tensor(X)])
    for name, expected in model(X).items():
        case.assert_close(received[name], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.sampled
@pytest.mark.parametrize("level", ["parameters", "features", "last_shared"])
def test_every_level_trains_as_the_graph_taken_apart(level):
    keras.utils.set_random_seed(0)
    model = model_on(Backbone(4, name="backbone"))
    plain = taken_apart(model)
    for each in (model, plain):
        each.compile(
            keras.optimizers.SGD(0.1), "mse", balancing.CAGrad(on=level)
        )
        each.fit(X, Y, batch_size=4, epochs=2, verbose=0, shuffle=False)
    for name in ("low", "norm", "high"):
        layer = model.get_layer("backbone").get_layer(name)
        for received, expected in zip(
            layer.get_weights(),
            plain.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_backbone_reloads_and_trains_on(tmp_path):
    model = model_on(Backbone(4, name="backbone"))
    model.compile("sgd", "mse", balancing.CAGrad(on="features"))
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(restored.get_layer("backbone"), Backbone)
    assert graph.describe(restored).count("backbone is a nested model") == 1
    for name, expected in model.predict(X, verbose=0).items():
        received = restored.predict(X, verbose=0)[name]
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)
    restored.fit(X, Y, verbose=0)


def test_a_backbone_with_a_call_of_its_own_counts_as_one_operation():
    model = model_on(Doubled(4, name="doubled"))
    parts = graph.partition(model)
    assert parts.opaque == ("doubled",) and parts.opened == ()
    received = parts.run([ops.convert_to_tensor(X)])
    for name, expected in model(X).items():
        case.assert_close(received[name], expected, rtol=1e-5, atol=1e-6)


class Encoder(layers.Layer):
    """A layer that holds a model and runs it within Python code."""

    def __init__(self, backbone, **kwargs):
        super().__init__(**kwargs)
        self.backbone = backbone

    def call(self, inputs, training=None):
        return self.backbone(inputs, training=training)


def test_the_description_looks_into_a_layer_that_holds_a_model():
    model = model_on(Encoder(Backbone(4, name="backbone"), name="encoder"))
    # 3 * 3 * 3 * 4 + 4, 4 * 4 and 3 * 3 * 4 * 4 + 4 numbers.
    assert (
        "encoder runs the model backbone: 8 variables with 276 numbers, "
        "low, norm, high; it counts as one operation."
    ) in graph.describe(model)


def nested(inputs, call):
    """A model around another, which `call` calls with its own inputs."""
    x, z = (keras.Input((2,), name=n) for n in ("x", "z"))
    inner = keras.Model(inputs(x, z), layers.Dense(3)(x) * z[:, :1])
    tensors = {n: keras.Input((2,), name=n) for n in ("x", "z")}
    hidden = call(inner, tensors)
    return MultiTaskModel(
        tensors, {n: layers.Dense(1, name=n)(hidden) for n in ("a", "b")}
    )


@pytest.mark.parametrize("first", ["x", "z"])
def test_inputs_by_name_enter_a_nested_model_as_keras_reads_them(first):
    order = (lambda x, z: [x, z]) if first == "x" else (lambda x, z: [z, x])
    model = nested(order, lambda inner, tensors: inner(tensors))
    values = {n: RNG.normal(size=(4, 2)).astype("float32") for n in "xz"}
    received = graph.partition(model).run(
        [ops.convert_to_tensor(values[n]) for n in "xz"]
    )
    for name, expected in model(values).items():
        case.assert_close(received[name], expected, rtol=1e-5, atol=1e-6)


def test_inputs_of_another_type_are_converted_as_in_keras():
    inside = keras.Input((1,), dtype="float32")
    inner = keras.Model(inside, layers.Dense(3, use_bias=False)(inside))
    inputs = keras.Input((1,), dtype="int32")
    hidden = inner(inputs)
    model = MultiTaskModel(
        inputs, {n: layers.Dense(1, name=n)(hidden) for n in ("a", "b")}
    )
    x = np.array([[1], [-2], [3]], "int32")
    received = graph.partition(model).run([ops.convert_to_tensor(x)])
    kernel = case.to_numpy(inner.weights[0])
    for name in ("a", "b"):
        head, bias = model.get_layer(name).get_weights()
        expected = x.astype("float32") @ kernel @ head + bias
        case.assert_close(received[name], expected, rtol=1e-5)
