"""Statistics of BatchNormalization, measured anew on data."""

import keras
import numpy as np

from mtl_keras import checks, compat
from mtl_keras.calls import CallGraph
from mtl_keras.ensemble import rows
from mtl_keras.messages import listed


def reestimate_statistics(model, data, *, batch_size: int = 256) -> int:
    """Measures mean and variance of each BatchNormalization on data.

    A merged trunk has features that no single model had, so that averaged
    statistics may not be theirs. The data are run through the model once; each
    layer normalizes by the batch, as in training, and keeps the mean over the
    batches. Dropout is off, and nothing else changes. Layers that are frozen
    keep their statistics.

    Args:
        model: Functional `keras.Model`.
        data: Array of inputs or a structure of arrays; or a dataset of
            batches of inputs, or of tuples that begin with them.
        batch_size: Integer, for arrays.

    Returns:
        Integer, the number of layers that were measured.

    Raises:
        ValueError: If the model is not functional, or there is no batch.
    """
    if not compat.is_functional(model):
        raise ValueError(
            "`model` must be a functional keras.Model. Received: "
            f"{type(model).__name__}"
        )
    batch_size = checks.integer("batch_size", batch_size, low=1)
    graph = CallGraph(model)
    measured = {
        id(call.operation): call.operation
        for call in graph.calls
        if isinstance(call.operation, keras.layers.BatchNormalization)
        and call.operation.trainable
    }
    kept = {key: layer.momentum for key, layer in measured.items()}
    num_batches = 0
    try:
        for inputs in _batches(model, data, batch_size):
            for layer in measured.values():
                # The running mean of all batches so far.
                layer.momentum = num_batches / (num_batches + 1)
            values = dict(zip(graph.inputs, inputs, strict=True))
            for call in graph.calls:
                is_measured = id(call.operation) in measured
                call.run(values, training=is_measured)
            num_batches += 1
    finally:
        for key, layer in measured.items():
            layer.momentum = kept[key]
    if not num_batches:
        raise ValueError("`data` must have a batch. Received: none")
    return len(measured)


def _batches(model, data, batch_size):
    if isinstance(data, keras.utils.PyDataset):
        # It has no iterator that ends.
        data = (data[place] for place in range(len(data)))
    if isinstance(data, str) or not hasattr(data, "__iter__"):
        raise ValueError(
            "`data` must be arrays of inputs, or batches of them. Received: "
            f"{type(data).__name__}"
        )
    if not isinstance(data, dict | list | tuple) and not hasattr(data, "shape"):
        for batch in data:
            inputs = batch[0] if isinstance(batch, tuple) else batch
            yield _flat(model, inputs)
        return
    size = len(np.asarray(keras.tree.flatten(data)[0]))
    for start in range(0, size, batch_size):
        batch = slice(start, start + batch_size)
        yield _flat(model, rows.taken(data, batch))


def _flat(model, inputs) -> list:
    names = [tensor.name for tensor in model.inputs]
    if isinstance(inputs, dict) and len(names) > 1:
        missing = [name for name in names if name not in inputs]
        if missing:
            raise ValueError(
                f"`data` must have the inputs {listed(names)}. Received: "
                f"{listed(inputs)}"
            )
        flat = [inputs[name] for name in names]
    else:
        flat = keras.tree.flatten(inputs)
    shapes = [tuple(np.shape(value)) for value in flat]
    fits = len(flat) == len(names) and all(
        len(shape) == len(tensor.shape)
        and all(
            b in (None, a) for a, b in zip(shape, tensor.shape, strict=True)
        )
        for shape, tensor in zip(shapes, model.inputs, strict=True)
    )
    if not fits:
        raise ValueError(
            "`data` must have the shapes of the model's inputs, "
            f"{[tuple(tensor.shape) for tensor in model.inputs]}. Received: "
            f"shapes {shapes}"
        )
    return [
        keras.ops.convert_to_tensor(value, dtype=tensor.dtype)
        for value, tensor in zip(flat, model.inputs, strict=True)
    ]
