"""Hinge losses are scikit-learn's; missing labels take no part."""

import keras
import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

import mtl_keras
from mtl_keras import losses


def example():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(8, 1)).astype("float32")
    return rng.integers(0, 2, 8), scores, (8,)


@pytest.mark.parametrize("name, power", [("hinge", 1), ("squared_hinge", 2)])
def test_values_are_scikit_learn_s(name, power):
    y, scores, _ = example()
    values = np.asarray(losses.get(name).call(y, scores))
    if power == 1:
        expected = sklearn_metrics.hinge_loss(y, scores[:, 0])
        assert values.mean() == pytest.approx(expected, rel=1e-5)
    for value, label, score in zip(values, y, scores[:, 0], strict=True):
        # scikit-learn wants both classes to be there; those weigh nothing.
        expected = sklearn_metrics.hinge_loss(
            [0, 1, label], [0.0, 0.0, score], sample_weight=[0, 0, 1]
        )
        assert value == pytest.approx(expected**power, rel=1e-4, abs=1e-6)


def test_several_classes_are_scikit_learn_s():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(30, 4)).astype("float32")
    labels = rng.integers(0, 4, 30)
    loss = losses.get("crammer_singer")
    expected = sklearn_metrics.hinge_loss(labels, scores, labels=range(4))
    for coded in (labels, labels[:, None], np.eye(4, dtype="float32")[labels]):
        values = np.asarray(loss.call(coded, scores))
        assert values.mean() == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="'hinge' takes one score"):
        loss.call(np.zeros(3, "int32"), np.zeros((3, 1)))


def _model(kind_loss, sold_loss):
    tasks = [
        mtl_keras.Task("kind", "classification", num_classes=3, loss=kind_loss),
        mtl_keras.Task("sold", "presence", loss=sold_loss),
    ]
    inputs = keras.Input((2,), name="x")
    outputs = {t.name: t.head.build(inputs, t) for t in tasks}
    model = mtl_keras.MultiTaskModel(inputs, outputs, tasks=tasks)
    model.compile("sgd")
    return model


@pytest.mark.filterwarnings("ignore:The tasks .* share no variable")
@pytest.mark.parametrize("sold_loss", ["hinge", losses.SquaredHinge()])
def test_heads_give_scores_and_metrics_read_them(sold_loss):
    model = _model("crammer_singer", sold_loss)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 2)).astype("float32")
    kind, sold = rng.integers(-1, 3, 40), rng.integers(-1, 2, 40)
    logs = model.evaluate(
        x, {"kind": kind, "sold": sold}, verbose=0, return_dict=True
    )
    scores = model.predict(x, verbose=0)
    # Neither a softmax nor a sigmoid.
    assert scores["sold"].min() < 0 and scores["kind"].min() < 0
    known = kind >= 0
    expected = sklearn_metrics.hinge_loss(
        kind[known], scores["kind"][known], labels=range(3)
    )
    assert logs["kind_loss"] == pytest.approx(expected, rel=1e-4)
    right = scores["kind"][known].argmax(-1) == kind[known]
    assert logs["kind_accuracy"] == pytest.approx(right.mean(), rel=1e-4)
    known = sold >= 0
    right = (scores["sold"][known, 0] > 0) == sold[known]
    assert logs["sold_accuracy"] == pytest.approx(right.mean(), rel=1e-4)


@pytest.mark.filterwarnings("ignore:The tasks .* share no variable")
@pytest.mark.parametrize("is_nested", [False, True])
def test_probabilities_are_refused(is_nested):
    inputs = keras.Input((2,), name="x")
    head = keras.layers.Dense(1, "sigmoid", name="sold")
    if is_nested:
        inner = keras.Input((2,))
        head = keras.Model(inner, head(inner), name="sold")
    other = keras.layers.Dense(3, name="kind")(inputs)
    model = mtl_keras.MultiTaskModel(
        inputs, {"sold": head(inputs), "kind": other}
    )
    with pytest.raises(ValueError, match="'sold'.*activation 'sigmoid'"):
        model.compile("sgd", loss={"sold": "hinge", "kind": "crammer_singer"})
    model.compile("sgd", loss={"sold": "bce", "kind": "crammer_singer"})


@pytest.mark.filterwarnings("ignore:The tasks .* share no variable")
def test_labels_of_undeclared_outputs_are_understood():
    inputs = keras.Input((2,), name="x")
    outputs = {
        "sold": keras.layers.Dense(1, name="sold")(inputs),
        "kind": keras.layers.Dense(3, name="kind")(inputs),
    }
    model = mtl_keras.MultiTaskModel(inputs, outputs)
    model.compile("sgd", loss={"sold": "hinge", "kind": "crammer_singer"})
    label = model.tasks["kind"].label
    assert (label.missing, label.minimum, label.maximum) == (-1, 0, 2)
    # As with Keras's hinge, labels of -1 and 1 are those of two classes.
    x = np.random.default_rng(0).normal(size=(9, 2)).astype("float32")
    sold = np.where(np.arange(9) % 2, 1.0, -1.0)
    logs = [
        model.evaluate(x, {"sold": labels}, verbose=0, return_dict=True)
        for labels in (sold, np.maximum(sold, 0))
    ]
    expected = sklearn_metrics.hinge_loss(
        sold, model.predict(x, verbose=0)["sold"][:, 0]
    )
    for each in logs:
        assert each["sold_loss"] == pytest.approx(expected, rel=1e-4)
