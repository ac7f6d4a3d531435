"""KerasHub's backbones, called as one layer, with random weights."""

import numpy as np
import pytest

hub = pytest.importorskip("keras_hub", reason="needs the extra hub")

import keras  # noqa: E402
from keras import layers  # noqa: E402

from mtl_keras import MultiTaskModel, balancing, graph  # noqa: E402

SIDE = 16
RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, SIDE, SIDE, 3)).astype("float32")
Y = {n: RNG.normal(size=(8, 1)).astype("float32") for n in ("a", "b")}


class Ones(balancing.GradientBalancer):
    """Weighs each task's gradient by 1."""

    def _weigh(self, step):
        return keras.ops.ones((step.num_tasks,))


def vit():
    """A sequence of vectors, which both heads average."""
    backbone = hub.models.ViTBackbone(
        image_shape=(SIDE, SIDE, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=16,
        name="backbone",
    )
    inputs = keras.Input((SIDE, SIDE, 3))
    pooled = layers.GlobalAveragePooling1D()(backbone(inputs))
    return inputs, {name: pooled for name in Y}


def mit():
    """A pyramid: one head reads the coarse map, the other both."""
    backbone = hub.models.MiTBackbone(
        layerwise_depths=[1, 1],
        num_layers=2,
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        layerwise_patch_sizes=[3, 3],
        layerwise_strides=[2, 2],
        max_drop_path_rate=0.0,
        image_shape=(SIDE, SIDE, 3),
        hidden_dims=[4, 8],
        name="mit",
    )
    pyramid = keras.Model(
        backbone.inputs, backbone.pyramid_outputs, name="backbone"
    )
    inputs = keras.Input((SIDE, SIDE, 3))
    pooled = {
        level: layers.GlobalAveragePooling2D()(features)
        for level, features in pyramid(inputs).items()
    }
    both = layers.Concatenate()(list(pooled.values()))
    return inputs, {"a": pooled["P2"], "b": both}


def mit_last():
    """The last map of the backbone itself, called as one layer."""
    inputs = keras.Input((SIDE, SIDE, 3))
    backbone = hub.models.MiTBackbone(
        layerwise_depths=[1, 1],
        num_layers=2,
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        layerwise_patch_sizes=[3, 3],
        layerwise_strides=[2, 2],
        max_drop_path_rate=0.0,
        image_shape=(SIDE, SIDE, 3),
        hidden_dims=[4, 8],
        name="backbone",
    )
    pooled = layers.GlobalAveragePooling2D()(backbone(inputs))
    return inputs, {name: pooled for name in Y}


def model_on(build):
    keras.utils.set_random_seed(0)
    inputs, read = build()
    return MultiTaskModel(
        inputs, {n: layers.Dense(1, name=n)(t) for n, t in read.items()}
    )


@pytest.mark.slow
@pytest.mark.parametrize("build", [vit, mit_last])
def test_a_backbone_reloads_and_predicts_the_same(build, tmp_path):
    model = model_on(build)
    model.compile("sgd", "mse", balancing.CAGrad(on="features"))
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    for name, expected in model.predict(X, verbose=0).items():
        received = restored.predict(X, verbose=0)[name]
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)
    restored.fit(X, Y, verbose=0)


@pytest.mark.sampled
@pytest.mark.parametrize("build", [vit, mit, mit_last])
def test_the_graph_of_a_backbone_is_opened(build):
    model = model_on(build)
    parts = graph.partition(model)
    assert parts.opaque == () and "backbone" in parts.opened
    assert "backbone is a nested model" in graph.describe(model)
    backbone = model.get_layer("backbone")
    shared = {id(v) for v in parts.shared_variables}
    assert shared == {id(v) for v in backbone.trainable_variables}
    received = parts.run([keras.ops.convert_to_tensor(X)])
    for name, expected in model.predict(X, verbose=0).items():
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(received[name]),
            expected,
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize("level", ["parameters", "features", "last_shared"])
@pytest.mark.parametrize("build", [vit, mit])
def test_every_level_balances_a_backbone(build, level):
    """With equal weights each level is the step of a plain `keras.Model`."""
    keras.utils.set_random_seed(0)
    plain = keras.Model(*_graph(build))
    model = model_on(build)
    model.set_weights(plain.get_weights())
    plain.compile(keras.optimizers.SGD(0.1), dict.fromkeys(Y, "mse"))
    model.compile(keras.optimizers.SGD(0.1), "mse", Ones(on=level))
    for each in (plain, model):
        each.train_on_batch(X, Y)
    for received, expected in zip(
        model.get_weights(), plain.get_weights(), strict=False
    ):
        np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


def _graph(build):
    inputs, read = build()
    return inputs, {n: layers.Dense(1, name=n)(t) for n, t in read.items()}
