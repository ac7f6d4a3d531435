"""Batches that a model of the zoo can be trained on."""

import numpy as np

BATCH_SIZE = 6
# Of sequences, where a model takes any.
LENGTH = 7


def random_batch(model, seed=0):
    """Inputs and labels of a batch, legal for each task, none missing."""
    rng = np.random.default_rng(seed)
    inputs = {tensor.name: _input(tensor, rng) for tensor in model.inputs}
    labels = {
        name: _label(task, rng, model.output[name].shape)
        for name, task in model.tasks.items()
    }
    for name, task in model.tasks.items():
        task.label.check_array(name, labels[name])
    return inputs, labels


def _sizes(shape):
    return (BATCH_SIZE, *(LENGTH if size is None else size for size in shape))


def _input(tensor, rng):
    shape = _sizes(tensor.shape[1:])
    if tensor.dtype == "int32":
        # Ids: 0 would be padding, and every vocabulary has these.
        return rng.integers(1, 20, shape, dtype="int32")
    return rng.uniform(size=shape).astype(tensor.dtype)


def _label(task, rng, shape):
    spec = task.label
    if task.kind == "mask":
        size = (BATCH_SIZE, *shape[1:-1])
        return rng.integers(0, task.num_classes, size, dtype="int32")
    if task.kind in ("depth", "normals"):
        shape = shape[1:-1] if task.kind == "depth" else shape[1:]
        return rng.uniform(0.5, 1.0, (BATCH_SIZE, *shape)).astype("float32")
    if spec.rule == "box_xyxy":
        corners = np.sort(rng.uniform(size=(BATCH_SIZE, 2, 2)), axis=1)
        return corners.reshape(BATCH_SIZE, 4).astype("float32")
    if spec.rule == "objects":
        corners = np.sort(rng.uniform(size=(BATCH_SIZE, LENGTH, 2, 2)), axis=2)
        number = rng.integers(-1, task.num_classes, (BATCH_SIZE, LENGTH, 1))
        boxes = corners.reshape(BATCH_SIZE, LENGTH, 4)
        return np.concatenate([boxes, number], axis=-1).astype("float32")
    if spec.rule == "time_event":
        # The first to die is not the last: else there is nothing to learn.
        times = rng.uniform(1, 9, BATCH_SIZE)
        events = np.arange(BATCH_SIZE) != times.argmax()
        return np.stack([times, events], axis=1).astype("float32")
    shape = _sizes(spec.shape)
    if spec.dtype == "int32":
        high = int(spec.maximum) + 1
        return rng.integers(int(spec.minimum), high, shape, dtype="int32")
    return rng.uniform(size=shape).astype("float32")
