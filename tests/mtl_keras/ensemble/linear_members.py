"""Members whose answers scikit-learn gives as well: linear models."""

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from mtl_keras import MultiTaskModel, Task

TASKS = (
    Task("cls", "classification", num_classes=3),
    Task("det", "presence"),
    Task("price", "regression"),
)


def logistic():
    """Converged: scikit-learn weighs examples where a draw repeats them."""
    return LogisticRegression(tol=1e-10, max_iter=1000)


def data(num_examples=90, units=4, seed=0):
    """Inputs and labels that depend on them, with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_examples, units)).astype("float32")
    noisy = x + rng.normal(size=x.shape)
    return x, {
        "cls": noisy[:, :3].argmax(1),
        "det": (noisy[:, 0] > 0).astype("int32"),
        "price": noisy[:, 1] * 1000.0,
    }


def estimators(x, labels):
    """scikit-learn's models of each task."""
    models = {
        "cls": logistic(),
        "det": logistic(),
        "price": Ridge(),
    }
    # In float32 the solver's last steps differ between processors.
    x = np.asarray(x, "float64")
    return {n: m.fit(x, labels[n]) for n, m in models.items()}


def model_of(fitted, *, tasks=TASKS, logits=False):
    """A Keras model with the coefficients of `estimators`."""
    activation = dict.fromkeys(("cls", "det"))
    if not logits:
        activation = {"cls": "softmax", "det": "sigmoid"}
    units = next(iter(fitted.values())).n_features_in_
    inputs = keras.Input((units,))
    # Something shared, without an effect.
    shared = keras.layers.Dense(units, name="trunk")
    features = shared(inputs)
    shared.set_weights([np.eye(units), np.zeros(units)])
    outputs = {}
    for task in tasks:
        kernel = np.atleast_2d(fitted[task.name].coef_).T
        bias = np.atleast_1d(fitted[task.name].intercept_)
        layer = keras.layers.Dense(
            kernel.shape[1], activation.get(task.name), name=task.name
        )
        outputs[task.name] = layer(features)
        layer.set_weights([kernel, bias])
    return MultiTaskModel(inputs, outputs, tasks=tasks)


def predict(model, x):
    """The outputs as arrays; not by `predict`, which traces a function."""
    inputs = keras.tree.map_structure(lambda a: np.asarray(a, "float32"), x)
    return {
        name: keras.ops.convert_to_numpy(value)
        for name, value in model(inputs, training=False).items()
    }


def fit(x, labels):
    """Trains a member, as `ensemble.bag` and `ensemble.stack` call it."""
    return model_of(estimators(x, labels))
