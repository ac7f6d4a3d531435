"""Models as if fine-tuned from one start: the same layers, other weights."""

import keras
import numpy as np

from mtl_keras import MultiTaskModel, Task

TASKS = {
    "cls": Task("cls", "classification", num_classes=3),
    "det": Task("det", "presence"),
    "price": Task("price", "regression"),
}
_UNITS = {"cls": (3, "softmax"), "det": (1, "sigmoid"), "price": (1, None)}


def model_of(tasks, seed, *, normalized=False, nested=False):
    """A model of some tasks, with weights of a seed."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((3,))
    layers = [keras.layers.Dense(4, "tanh", name="first")]
    if normalized:
        layers.append(keras.layers.BatchNormalization(name="norm"))
    layers.append(keras.layers.Dense(5, "relu", name="second"))
    if nested:
        inner = keras.Input((3,), name="inner")
        features = inner
        for layer in layers:
            features = layer(features)
        layers = [keras.Model(inner, features, name="backbone")]
    features = inputs
    for layer in layers:
        features = layer(features)
    outputs = {}
    for task in tasks:
        units, activation = _UNITS[task]
        hidden = keras.layers.Dense(2, name=f"{task}_hidden")(features)
        output = keras.layers.Dense(units, activation, name=task)
        outputs[task] = output(hidden)
    declared = [TASKS[task] for task in tasks]
    return MultiTaskModel(inputs, outputs, tasks=declared)


def values(model) -> dict:
    """The weights by path, without those that no layer trains."""
    return {v.path: np.array(v.value) for v in model.weights}


def trunk_of(model) -> dict:
    return {
        path: value
        for path, value in values(model).items()
        if path.startswith(("first", "second"))
    }
