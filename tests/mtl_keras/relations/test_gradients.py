"""Cosines and affinities equal what is computed by hand."""

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import balancing, relations


def _linear(loss="mse", names=("a", "b")):
    """`x w` shared, one output `c_k (x w)` a task."""
    inputs = keras.Input((3,), name="x")
    shared = keras.layers.Dense(1, use_bias=False, name="trunk")(inputs)
    outputs = {
        name: keras.layers.Dense(1, use_bias=False, name=name)(shared)
        for name in names
    }
    model = mtl_keras.MultiTaskModel(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.1), loss=dict.fromkeys(names, loss))
    return model


def _batch():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 3)).astype("float32")
    y = {name: rng.normal(size=8).astype("float32") for name in "ab"}
    return x, y


def _by_hand(x, y, w, heads):
    """Gradients of the squared errors by `w`, and the losses."""
    feature = x @ w
    errors = {k: c * feature - y[k] for k, c in heads.items()}
    losses = {k: np.mean(e**2) for k, e in errors.items()}
    slopes = {k: 2 * heads[k] * x.T @ e / len(x) for k, e in errors.items()}
    return slopes, losses


def test_cosine_and_affinity_are_those_worked_out_by_hand():
    model, (x, y) = _linear(), _batch()
    w = np.array([0.5, -1.0, 2.0], "float32")
    heads = {"a": 1.5, "b": -0.5}
    model.get_layer("trunk").set_weights([w[:, None]])
    for name, c in heads.items():
        model.get_layer(name).set_weights([np.array([[c]], "float32")])
    slopes, losses = _by_hand(x, y, w, heads)
    cosine = slopes["a"] @ slopes["b"]
    cosine /= np.linalg.norm(slopes["a"]) * np.linalg.norm(slopes["b"])
    measured = relations.gradients(model, (x, y))
    assert measured.between("a", "b") == pytest.approx(cosine, abs=1e-5)
    assert measured.between("a", "a") == pytest.approx(1.0)
    measured = relations.affinity(model, (x, y), learning_rate=0.05)
    for i in "ab":
        after = _by_hand(x, y, w - 0.05 * slopes[i], heads)[1]
        for j in "ab":
            expected = 1 - after[j] / losses[j]
            assert measured.between(i, j) == pytest.approx(expected, abs=1e-5)


def test_cosines_are_those_that_monitor_logs():
    x, y = _batch()
    model = _linear()
    model.compile(
        keras.optimizers.SGD(0.0),
        loss="mse",
        loss_weights=balancing.PCGrad(on="parameters", monitor=True),
        run_eagerly=keras.backend.backend() == "tensorflow",
    )
    history = model.fit(x, y, batch_size=4, verbose=0, shuffle=False)
    logged = relations.logged(history)
    batches = [
        (x[part], {name: label[part] for name, label in y.items()})
        for part in (slice(0, 4), slice(4, 8))
    ]
    measured = relations.gradients(model, batches)
    assert logged.names == measured.names == ("a", "b")
    np.testing.assert_allclose(logged.matrix, measured.matrix, atol=1e-4)
    with pytest.raises(ValueError, match="monitor=True"):
        relations.logged([{"loss": 1.0}])


@pytest.mark.parametrize("fails", [False, True])
def test_affinity_leaves_the_model_bitwise_as_it_was(fails):
    model, (x, y) = _linear(), _batch()
    model.fit(x, y, verbose=0)
    before = [np.array(v) for v in model.variables]

    def batches():
        yield x, y
        if fails:
            raise OSError("the disk")

    if fails:
        with pytest.raises(OSError, match="the disk"):
            relations.affinity(model, batches(), learning_rate=0.3)
    else:
        relations.affinity(model, batches(), learning_rate=0.3)
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, np.array(new))


def test_batches_without_a_task_leave_it_out():
    model, (x, y) = _linear(), _batch()
    whole = relations.affinity(model, [(x, y)])
    part = relations.affinity(model, [(x, y), (x, {"a": y["a"]})])
    assert part.between("a", "b") == pytest.approx(whole.between("a", "b"))
    missing = {"a": y["a"], "b": np.full(8, np.nan, "float32")}
    assert np.isnan(relations.gradients(model, (x, missing)).between("a", "b"))
    with pytest.raises(ValueError, match="is undefined"):
        relations.group(relations.gradients(model, (x, missing)), budget=2)


def test_what_has_no_gradient_in_common_is_refused():
    inputs = keras.Input((3,), name="x")
    model = mtl_keras.MultiTaskModel(
        inputs,
        {n: keras.layers.Dense(1, name=n)(inputs) for n in ("a", "b")},
    )
    with pytest.warns(UserWarning, match="share no variable"):
        model.compile("sgd", loss="mse")
    for function in (relations.gradients, relations.affinity):
        with pytest.raises(ValueError, match="share no trainable variable"):
            function(model, _batch())
    with pytest.raises(ValueError, match="learning_rate"):
        relations.affinity(_linear(), _batch(), learning_rate=-1.0)
    with pytest.raises(ValueError, match="at least one batch"):
        relations.gradients(_linear(), [])


def test_negative_losses_are_refused():
    def negative(y_true, y_pred):
        return keras.ops.mean(y_true * y_pred, axis=-1) - 100.0

    with pytest.raises(ValueError, match="ratio of losses"):
        relations.affinity(_linear(negative), _batch())
