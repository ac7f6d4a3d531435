"""A group of tasks, and the same tasks with a head each."""

import keras
import numpy as np
from keras import layers

from mtl_keras import MultiTaskModel, Task

GROUP = "assays"
NUM_CLASSES = 3
UNITS, HIDDEN = 5, 6


def names(num_members):
    return [f"member{k:02d}" for k in range(num_members)]


def data(kind="presence", num_members=12, num_examples=25, seed=0):
    """Inputs and labels; 0.3 are missing, and those of member 3 all are."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_examples, UNITS)).astype("float32")
    shape = (num_examples, num_members)
    if kind == "regression":
        y = rng.normal(size=shape).astype("float32")
    else:
        most = NUM_CLASSES if kind == "classification" else 2
        y = rng.integers(0, most, shape).astype("int32")
    gone = rng.random(shape) < 0.3
    gone[:, 3] = True
    y[gone] = np.nan if kind == "regression" else -1
    return x, y


def outputs(features, kind, num_members, *, is_group):
    """The outputs: one for the group, or one for each member."""
    activation = {"presence": "sigmoid", "classification": "softmax"}.get(kind)
    units = NUM_CLASSES if kind == "classification" else 1
    if not is_group:
        return {
            name: layers.Dense(units, activation, name=name)(features)
            for name in names(num_members)
        }
    if units == 1:
        dense = layers.Dense(num_members, activation, name=GROUP)
        return {GROUP: dense(features)}
    scores = layers.Dense(num_members * units, name="scores")(features)
    scores = layers.Reshape((num_members, units))(scores)
    return {GROUP: layers.Activation(activation, name=GROUP)(scores)}


def tasks(kind, num_members, *, is_group, **options):
    classes = NUM_CLASSES if kind == "classification" else None
    options = {"num_classes": classes, **options}
    if is_group:
        return [Task(GROUP, kind, names=names(num_members), **options)]
    return [Task(name, kind, **options) for name in names(num_members)]


def model(kind="presence", num_members=12, *, is_group, **options):
    """A trunk with the group or the members; the weights are those of both."""
    inputs = keras.Input((UNITS,))
    trunk = layers.Dense(HIDDEN, "tanh", name="trunk")
    made = MultiTaskModel(
        inputs,
        outputs(trunk(inputs), kind, num_members, is_group=is_group),
        tasks=tasks(kind, num_members, is_group=is_group, **options),
    )
    rng = np.random.default_rng(1)
    draw = [rng.normal(size=v.shape) * 0.4 for v in trunk.variables]
    trunk.set_weights(draw)
    units = NUM_CLASSES if kind == "classification" else 1
    kernel = rng.normal(size=(HIDDEN, num_members, units)) * 0.4
    bias = rng.normal(size=(num_members, units)) * 0.1
    if is_group:
        layer = made.get_layer(GROUP if units == 1 else "scores")
        layer.set_weights([kernel.reshape(HIDDEN, -1), bias.reshape(-1)])
    else:
        for k, name in enumerate(names(num_members)):
            made.get_layer(name).set_weights([kernel[:, k], bias[k]])
    return made


def labels(y, *, is_group):
    if is_group:
        return {GROUP: y}
    return {name: y[:, k] for k, name in enumerate(names(y.shape[1]))}


def head_weights(made, kind, num_members):
    """Kernel and bias of all members, an array each."""
    if GROUP in made.output:
        layer = made.get_layer("scores" if kind == "classification" else GROUP)
        return layer.get_weights()
    heads = [made.get_layer(n).get_weights() for n in names(num_members)]
    kernels, biases = zip(*heads, strict=True)
    return [np.concatenate(kernels, axis=1), np.concatenate(biases)]
