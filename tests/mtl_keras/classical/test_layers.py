"""PCA, LDA and random Fourier features as Keras layers."""

import keras
import numpy as np
import pytest
from sklearn import decomposition, discriminant_analysis
from sklearn.metrics import pairwise

import mtl_keras
from mtl_keras import classical


def _data(count=60, size=5):
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(count, size)) @ rng.normal(size=(size, size))
    return mixed.astype("float32") + 3


def _labels(x):
    kind = np.digitize(x[:, 0], np.quantile(x[:, 0], [0.3, 0.6]))
    sold = (x[:, 1] > np.median(x[:, 1])).astype(int)
    return {"kind": np.where(np.arange(60) % 7, kind, -1), "sold": sold}


@pytest.mark.parametrize("whiten", [False, True])
def test_pca_is_scikit_learn_s(whiten):
    x = _data()
    layer = classical.PCA(3, whiten=whiten)
    layer.adapt(x)
    fitted = decomposition.PCA(3, whiten=whiten, svd_solver="full").fit(x)
    np.testing.assert_allclose(
        np.asarray(layer(x)), fitted.transform(x), atol=2e-4
    )


def test_lda_has_the_directions_of_each_task():
    x = _data()
    labels = _labels(x)
    layer = classical.LDA()
    layer.adapt(x, labels)
    features = np.asarray(layer(x))
    assert features.shape == (60, 2 + 1)
    known = labels["kind"] >= 0
    for task, part, rows in (
        ("kind", features[:, :2], known),
        ("sold", features[:, 2:], slice(None)),
    ):
        fitted = discriminant_analysis.LinearDiscriminantAnalysis()
        expected = fitted.fit(x[rows], labels[task][rows]).transform(x)
        # Up to a constant: the layer centres once for all tasks.
        np.testing.assert_allclose(
            part - part.mean(0), expected - expected.mean(0), atol=2e-4
        )


def test_error_of_the_kernel_falls_like_one_over_the_root():
    x = _data(40)
    gram = pairwise.rbf_kernel(x, gamma=0.05)
    sizes, errors = [64, 256, 1024, 4096], []
    for size in sizes:
        each = []
        for seed in range(3):
            layer = classical.RandomFourierFeatures(size, gamma=0.05, seed=seed)
            features = np.asarray(layer(x))
            each.append(np.abs(features @ features.T - gram).mean())
        errors.append(np.mean(each))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.08)
    # The variance of one product is below 1: cos^2 of a random phase.
    assert errors[-1] < 1 / np.sqrt(sizes[-1])


def test_gamma_is_that_of_the_median_distance():
    x = _data(30)
    layer = classical.RandomFourierFeatures(8)
    layer.adapt(x)
    squared = pairwise.euclidean_distances(x, squared=True)
    median = np.median(squared[np.triu_indices(30, 1)])
    assert layer.gamma == pytest.approx(1 / median, rel=1e-4)


def _layers(x):
    pca = classical.PCA(3)
    pca.adapt(x)
    lda = classical.LDA()
    lda.adapt(x, _labels(x))
    fourier = classical.RandomFourierFeatures(16)
    fourier.adapt(x)
    return pca, lda, fourier


def test_layers_are_saved_cloned_and_not_trained(tmp_path):
    x = _data()
    inputs = keras.Input((5,), name="x")
    features = keras.layers.Concatenate()([e(inputs) for e in _layers(x)])
    tasks = [
        mtl_keras.Task(
            "kind", "classification", num_classes=3, loss="crammer_singer"
        ),
        mtl_keras.Task("sold", "presence", loss="hinge"),
    ]
    outputs = {t.name: t.head.build(features, t) for t in tasks}
    model = mtl_keras.MultiTaskModel({"x": inputs}, outputs, tasks=tasks)
    model.compile(keras.optimizers.Adam(0.1))
    model.fit({"x": x}, _labels(x), epochs=2, verbose=0)
    names = {v.path.split("/")[0] for v in model.trainable_variables}
    assert names == {"kind", "sold"}
    expected = model.predict({"x": x}, verbose=0)
    model.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for other in (loaded, clone):
        received = other.predict({"x": x}, verbose=0)
        for task, values in expected.items():
            np.testing.assert_allclose(received[task], values, atol=1e-5)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="exports on TensorFlow"
)
def test_layers_are_exported(tmp_path):
    import tensorflow as tf

    x = _data()
    inputs = keras.Input((5,), name="x")
    model = keras.Model(inputs, [each(inputs) for each in _layers(x)])
    model.export(tmp_path / "1", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "1")
    for ours, other in zip(model(x), loaded.serve(x), strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-5)


def test_layers_that_are_not_fitted_are_refused():
    x = _data()
    for layer in (
        classical.PCA(),
        classical.PCA(3),
        classical.LDA(),
        classical.RandomFourierFeatures(4),
    ):
        with pytest.raises(ValueError, match=r"not fitted.*adapt\("):
            layer(x)
    # Built into a model first, fitted later.
    inputs = keras.Input((5,))
    layer = classical.PCA(3)
    model = keras.Model(inputs, layer(inputs))
    with pytest.raises(ValueError, match="not fitted"):
        model(x)
    layer.adapt(x)
    assert np.isfinite(np.asarray(model(x))).all()


@pytest.mark.parametrize("kind", ["pca", "fourier"])
def test_large_inputs_do_not_overflow_in_half_precision(kind):
    x = np.random.default_rng(0).normal(size=(60, 3)) * 1e4 + 1e5
    layers = [
        classical.PCA(2, whiten=True, dtype=dtype)
        if kind == "pca"
        else classical.RandomFourierFeatures(8, dtype=dtype)
        for dtype in ("float32", "mixed_float16")
    ]
    for layer in layers:
        layer.adapt(x)
    whole, half = (keras.ops.convert_to_numpy(layer(x)) for layer in layers)
    assert half.dtype == "float16"
    np.testing.assert_allclose(half, whole, atol=5e-3)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: classical.PCA(0), "num_components"),
        (lambda x: classical.PCA(6).adapt(x), "at most 5 components"),
        (lambda x: classical.PCA().adapt(x[0]), "two or more examples"),
        (lambda x: classical.PCA().adapt(x * np.nan), "finite numbers"),
        (lambda x: classical.PCA().adapt("x"), "must be numbers"),
        (lambda x: classical.PCA().adapt([[1.0], [1.0, 2.0]]), "one length"),
        (lambda x: classical.PCA().adapt(iter([])), "no batch"),
        (lambda x: classical.PCA().adapt(None), "must be numbers"),
        (lambda x: classical.PCA().adapt({"x": x}), "must be numbers"),
        (lambda x: classical.PCA().adapt(iter([(x, x)])), "inputs alone"),
        (lambda x: classical.LDA().adapt(x, {"a": ["u"] * 60}), "be numbers"),
        (lambda x: classical.LDA().adapt(x, {"a": x[:, 0] ** 2}), "fractions"),
        (
            lambda x: classical.LDA().adapt(x * 0, {"a": np.arange(60) % 2}),
            "data that vary",
        ),
        (lambda x: _layers(x)[0](x[:, :4]), "expected axis -1.*value 5"),
        (
            lambda x: classical.PCA(whiten=True).adapt(x[:, [0, 0, 1]]),
            "num_components=2",
        ),
        (lambda x: classical.LDA().adapt(x, _labels(x)["kind"]), "a dict of"),
        (lambda x: classical.LDA().adapt(x, {"a": [0, 1]}), "Expected 60"),
        (
            lambda x: classical.LDA().adapt(x, {"a": np.zeros(60)}),
            "two or more classes",
        ),
        (
            lambda x: classical.LDA(7).adapt(x, _labels(x)),
            "has 7 components, and the data give 3",
        ),
        (lambda x: classical.RandomFourierFeatures(0), "num_features"),
        (lambda x: classical.RandomFourierFeatures(4, gamma=-1), "gamma"),
        (
            lambda x: classical.RandomFourierFeatures(4).adapt(x * 0),
            "Give `gamma`",
        ),
        (
            lambda x: classical.RandomFourierFeatures(4, gamma=1.0)(x[None]),
            r"vectors of shape \(batch, size\)",
        ),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(_data())
