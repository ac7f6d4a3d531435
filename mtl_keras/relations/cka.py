"""Linear centred kernel alignment: do two tasks look at the same features?

Kornblith et al., ICML 2019, https://arxiv.org/abs/1905.00414.
"""

import warnings
from collections.abc import Mapping

import numpy as np

from mtl_keras import checks
from mtl_keras.messages import listed
from mtl_keras.relations import batches, trained
from mtl_keras.relations.matrix import Relations

# Centred features below this fraction of their length are constant.
_ROUNDING = 1e-10


def linear_cka(first, second) -> float:
    """Compares two sets of features of the same examples.

    With centred columns, `|X' Y|^2 / (|X' X| |Y' Y|)` in Frobenius norms,
    equation 4 with a linear kernel. An orthogonal map or a scale of either
    changes nothing; an arbitrary invertible map does.

    Args:
        first: Array of shape `(examples, ...)`, flattened to a matrix.
        second: Array of shape `(examples, ...)`.

    Returns:
        Float from 0 to 1; NaN where the features of either are constant.

    Raises:
        ValueError: If the numbers of examples differ or are below 2, or a
            value is not finite.
    """
    x, y = _centred("first", first), _centred("second", second)
    if len(x) != len(y):
        raise ValueError(
            "CKA compares features of the same examples. Received: "
            f"{len(x)} and {len(y)} examples"
        )
    norms = _norm(x, x), _norm(y, y)
    if not all(norms):
        return float("nan")
    return float(min(1.0, _norm(x, y) ** 2 / (norms[0] * norms[1])))


def cka(features: Mapping[str, np.ndarray]) -> Relations:
    """Compares the features of each pair of tasks.

    Args:
        features: Dict, task name to array of shape `(examples, ...)`, of the
            same examples in the same order: `head_features` of one model, or
            of separately trained ones.

    Returns:
        `Relations`, symmetric, from 0 to 1; NaN, with a warning, where a
        task's features are constant.

    Raises:
        ValueError: As of `linear_cka`.
    """
    if not isinstance(features, Mapping) or not features:
        raise ValueError(
            "Expected a dict of task name to array of features. Received: "
            f"{type(features).__name__}"
        )
    names = list(features)
    matrix = np.ones((len(names), len(names)))
    for i, name in enumerate(names):
        for j in range(i + 1):
            value = linear_cka(features[name], features[names[j]])
            matrix[i, j] = matrix[j, i] = value
    is_constant = np.isnan(matrix.diagonal())
    constant = [names[k] for k in np.flatnonzero(is_constant)]
    if constant:
        warnings.warn(
            f"The features of {listed(constant)} are constant: their CKA is "
            "undefined (NaN).",
            UserWarning,
            stacklevel=2,
        )
    return Relations(names, matrix, "cka")


def head_features(model, data, steps: int | None = None) -> dict:
    """Computes what each task's head makes of the trunk's features.

    These are the inputs of the head's last layer with weights. Where the
    head has one such layer, its inputs are the trunk's, the same for all tasks;
    then its outputs are returned instead. The members of a group have one
    column of the group's output each.

    Args:
        model: `MultiTaskModel`.
        data: Batches `(inputs, labels)`, or a tuple of arrays.
        steps: Integer, the number of batches to read. Defaults to all.

    Returns:
        Dict, task name to array of shape `(examples, ...)`.
    """
    from keras import ops

    from mtl_keras import compat, graph

    parts = graph.partition(trained.checked(model))
    slots = {name: _slot(parts.heads[name]) for name in parts.tasks}
    read = {name: [] for name in parts.tasks}
    for x, _, _ in batches.of(data, steps):
        inputs = compat.standardize_inputs(model, x)
        values = dict(zip(parts.trunk.reads, inputs, strict=True))
        parts.trunk.run(values, training=False)
        for name, head in parts.heads.items():
            own = dict(values)
            head.run(own, training=False)
            read[name].append(ops.convert_to_numpy(own[slots[name]]))
    features = {}
    for name, parts_read in read.items():
        whole = _joined(name, parts_read)
        task = model.tasks[name]
        if task.is_group:
            for place, member in enumerate(task.members):
                features[member] = whole[:, place]
        else:
            features[name] = whole
    return features


def _slot(head) -> int:
    """Finds the tensor of a head that holds its features."""
    (output,) = head.writes
    weighted = [call for call in head.calls if call.weights]
    if not weighted:
        return output
    own = {slot for call in head.calls for slot in call.writes}
    has_weights_before = {
        slot
        for call in head.calls
        if any(_leads(each, call, head.calls) for each in weighted)
        for slot in call.writes
    }
    for slot in weighted[-1].reads:
        if slot in own and slot in has_weights_before:
            return slot
    return weighted[-1].writes[0]


def _leads(first, last, calls) -> bool:
    """Tells whether a call is, or its result reaches, another call."""
    reached = set(first.writes)
    for call in calls:
        if call is not first and reached.intersection(call.reads):
            reached.update(call.writes)
    return first is last or bool(reached.intersection(last.reads))


def _joined(name, arrays):
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise ValueError(
            f"The features of {name!r} have different sizes in different "
            f"batches: {sorted(shapes)}. Pad the inputs to one length."
        )
    return np.concatenate(arrays)


def _centred(argument, features):
    array = checks.array(argument, features)
    if array.ndim < 1 or len(array) < 2:
        raise ValueError(
            f"`{argument}` must be features of two or more examples, of shape "
            f"(examples, ...). Received: shape {array.shape}"
        )
    array = array.reshape(len(array), -1)
    if not np.isfinite(array).all():
        raise ValueError(
            f"`{argument}` must have finite values. Received: NaN or infinity. "
            "Leave out those examples, from both sets of features."
        )
    scale = np.abs(array).max(initial=0.0)
    centred = array - array.mean(axis=0)
    if np.abs(centred).max(initial=0.0) <= _ROUNDING * scale:
        return np.zeros_like(centred)
    return centred / np.abs(centred).max()


def _norm(x, y) -> float:
    """Returns the Frobenius norm of `x' y`, by the smaller of two matrices."""
    if min(x.shape[1], y.shape[1]) > len(x):
        # |x'y|^2 = <x x', y y'>.
        return float(np.sqrt(np.sum((x @ x.T) * (y @ y.T))))
    return float(np.linalg.norm(x.T @ y))
