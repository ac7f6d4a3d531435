"""Labels and weights with axes of another size are refused, not broadcast."""

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from mtl_keras import MultiTaskModel

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def compiled(**options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {n: keras.layers.Dense(1, name=n)(trunk) for n in ("s", "t")}
    model = MultiTaskModel(inputs, outputs)
    options.setdefault("loss", "mse")
    model.compile("sgd", **options)
    return model


def dataset(batches, shape=(None, 1), weight_shape=None):
    """Batches whose element spec leaves their sizes open."""
    leaf = tf.TensorSpec
    spec = (
        leaf((None, 4), tf.float32),
        {n: leaf(shape, tf.float32) for n in batches[0][1]},
    )
    if weight_shape is not None:
        spec += ({n: leaf(weight_shape, tf.float32) for n in batches[0][1]},)
    return tf.data.Dataset.from_generator(
        lambda: iter(batches), output_signature=spec
    )


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("size", "balancer", "jit_compile"),
    [(1, None, False), (1, "cagrad", True), (5, None, True), (17, None, False)],
)
def test_another_batch_axis_of_labels_is_refused(size, balancer, jit_compile):
    model = compiled(loss_weights=balancer, jit_compile=jit_compile)
    wrong = np.ones((size, 1), "float32")
    batches = [(X, {"s": Y, "t": wrong})]
    with pytest.raises(ValueError, match=r"'t' expects labels.*as many"):
        model.fit(dataset(batches), verbose=0)


@pytest.mark.parametrize("is_static", [False, True])
def test_one_label_for_all_examples_is_refused_by_evaluate(is_static):
    model = compiled(loss={"s": "mse", "t": None}, metrics={"t": ["mae"]})
    batches = [(X, {"s": Y, "t": Y[:1]})]
    data = dataset(batches)
    if is_static:
        data = tf.data.Dataset.from_tensors(batches[0])
    with pytest.raises(ValueError, match=r"'t' expects labels"):
        model.evaluate(data, verbose=0)


def test_one_weight_for_all_examples_is_refused():
    weights = {"s": np.ones(16, "float32"), "t": np.ones(1, "float32")}
    batches = [(X, {"s": Y, "t": Y}, weights)]
    data = dataset(batches, weight_shape=(None,))
    with pytest.raises(ValueError, match=r"'t' expects.*weight"):
        compiled().fit(data, verbose=0)


def test_a_wrong_batch_late_in_an_epoch_is_refused():
    right, wrong = (X, {"s": Y, "t": Y}), (X, {"s": Y, "t": Y[:1]})
    with pytest.raises(ValueError, match=r"'t' expects"):
        compiled().fit(dataset([right, right, wrong]), verbose=0)


def test_uneven_batches_of_an_open_spec_give_the_mean_over_labels():
    model = compiled()
    batches = [
        (X[i : i + 5], {n: Y[i : i + 5] for n in "st"}) for i in range(0, 16, 5)
    ]
    logs = model.evaluate(dataset(batches), verbose=0, return_dict=True)
    outputs = model.predict(X, verbose=0)
    for name in "st":
        expected = np.mean((outputs[name] - Y) ** 2)
        np.testing.assert_allclose(logs[f"{name}_loss"], expected, rtol=1e-5)


# Other axes whose sizes the step alone knows.


def sequences(size):
    """A model of sequences of any length, and labels of another length."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 4))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {
        "t": keras.layers.Dense(1, name="t")(trunk),
        "tag": keras.layers.Dense(3, "softmax", name="tag")(trunk),
    }
    model = MultiTaskModel(inputs, outputs)
    model.compile("sgd", loss={"t": "mse", "tag": "cross_entropy"})
    x = np.broadcast_to(X[:, None], (16, 5, 4))
    y = np.broadcast_to(Y[:, None], (16, size["t"], 1))
    return model, x, {"t": y, "tag": np.zeros((16, size["tag"]), "int32")}


@pytest.mark.parametrize(
    ("size", "error", "words"),
    [
        ({"t": 1, "tag": 5}, ValueError, r"'t' expects.*shape of its output"),
        ({"t": 4, "tag": 5}, ValueError, r"'t' expects.*shape of its output"),
        ({"t": 5, "tag": 1}, Exception, "16.*80"),
    ],
)
def test_one_label_for_a_sequence_is_refused(size, error, words):
    if keras.backend.backend() == "jax":
        # There the sizes are known when the step is traced.
        error, words = ValueError, r"Received: labels of shape \(16, [14]\b"
    model, x, labels = sequences(size)
    leaf = tf.TensorSpec
    spec = (
        leaf((None, None, 4), tf.float32),
        {
            "t": leaf((None, None, 1), tf.float32),
            "tag": leaf((None, None), tf.int32),
        },
    )
    data = tf.data.Dataset.from_generator(
        lambda: iter([(x, labels)]), output_signature=spec
    )
    with pytest.raises(error, match=words):
        model.evaluate(data, verbose=0)


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", [False, True])
def test_labels_of_an_open_length_give_the_mean_over_labels(jit_compile):
    model, x, labels = sequences({"t": 5, "tag": 5})
    model.compile("sgd", loss={"t": "mse", "tag": None}, run_eagerly=False)
    model.jit_compile = jit_compile
    spec = (
        tf.TensorSpec((None, None, 4), tf.float32),
        {"t": tf.TensorSpec((None, None, 1), tf.float32)},
    )
    data = tf.data.Dataset.from_generator(
        lambda: iter([(x[:9], {"t": labels["t"][:9]})]), output_signature=spec
    )
    logs = model.evaluate(data, verbose=0, return_dict=True)
    expected = np.mean(
        (model.predict(x[:9], verbose=0)["t"] - Y[:9, None]) ** 2
    )
    np.testing.assert_allclose(logs["t_loss"], expected, rtol=1e-5)


# Ranks that change from call to call.


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", [False, True])
def test_labels_and_weights_of_two_ranks_give_one_loss(jit_compile):
    model = compiled(jit_compile=jit_compile)
    outputs = model.predict(X, verbose=0)
    ones = np.linspace(0.0, 1.0, 16, dtype="float32")
    expected = np.sum(ones * (outputs["t"] - Y)[:, 0] ** 2) / 15
    for flat in (True, False, True):
        y, weight = (Y[:, 0], ones) if flat else (Y, ones[:, None])
        batch = (X, {"s": y, "t": y}, {"s": weight, "t": weight})
        arrays = dict(zip(("x", "y", "sample_weight"), batch, strict=True))
        for data in ({"x": tf.data.Dataset.from_tensors(batch)}, arrays):
            logs = model.evaluate(**data, verbose=0, return_dict=True)
            np.testing.assert_allclose(logs["t_loss"], expected, rtol=1e-5)


def test_labels_of_unknown_rank_have_the_rank_of_their_task():
    model = compiled()
    outputs = model.predict(X, verbose=0)

    def unknown(x, y):
        rank = {n: tf.numpy_function(np.copy, [y], tf.float32) for n in "st"}
        return x, rank

    data = tf.data.Dataset.from_tensors((X, Y)).map(unknown)
    model.fit(data, verbose=0, epochs=0)
    logs = model.evaluate(data, verbose=0, return_dict=True)
    expected = np.mean((outputs["t"] - Y) ** 2)
    np.testing.assert_allclose(logs["t_loss"], expected, rtol=1e-5)


# Labels that are no dense arrays.


@pytest.mark.parametrize(
    "sparse",
    [scipy.sparse.csr_matrix(Y), tf.sparse.from_dense(Y)],
    ids=["SciPy", "TensorFlow"],
)
def test_sparse_labels_are_refused(sparse):
    model = compiled()
    with pytest.raises(ValueError, match="'t' expects labels in a dense array"):
        model.fit(X, {"t": sparse}, verbose=0)


def test_sparse_labels_of_a_dataset_are_refused():
    labels = {"t": tf.sparse.from_dense(Y)}
    data = tf.data.Dataset.from_tensor_slices((X, labels)).batch(4)
    with pytest.raises(ValueError, match="SparseTensorSpec.*to_dense"):
        compiled().fit(data, verbose=0)
