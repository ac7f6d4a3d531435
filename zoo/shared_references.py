"""Classical models of all tasks at once, as references on tables.

`"lasso"` is `mtl_keras.classical.MultiTaskLasso`, `"trace_norm"` is
`TraceNorm`, `"tree"` and `"shared_forest"` are `MultiTaskForest` of 1 and 100
trees.
Classes are fitted as one column each, 1 or -1; the largest prediction is the
class.
"""

import numpy as np

from mtl_keras import classical

_STRENGTHS = {
    "lasso": (0.001, 0.003, 0.01, 0.03, 0.1),
    "trace_norm": (0.001, 0.003, 0.01, 0.03, 0.1),
    "tree": (5, 20, 50, 100, 200),
    "shared_forest": (2, 5, 20),
}


def predict(name: str, kinds: dict, codes: dict) -> dict[str, np.ndarray]:
    """Fits one model of all tasks, and predicts the test split.

    The strength of its penalty, for trees the fewest examples of a leaf, has
    the least mean squared error of the scaled columns on a random fifth of the
    training split.

    Args:
        name: String, the reference.
        kinds: Dict, task name to kind.
        codes: Dict, split to `(x, labels)`, a matrix of numbers and a dict of
            task name to labels.

    Returns:
        Dict, task name to scores of the test split: numbers, scores of
        presence with the threshold 0, or an array with a column a class.
    """
    (train, labels), (test, _) = codes["train"], codes["test"]
    y = {task: _columns(kinds[task], labels[task]) for task in kinds}
    is_held = np.random.default_rng(0).random(len(train)) < 0.2
    first = {task: columns[~is_held] for task, columns in y.items()}
    errors = {}
    for strength in _STRENGTHS[name]:
        model = _fitted(name, strength, train[~is_held], first)
        guesses = model(train[is_held])
        errors[strength] = sum(
            np.nanmean((guesses[task] - columns[is_held]) ** 2)
            / np.nanmean((columns - np.nanmean(columns, axis=0)) ** 2)
            for task, columns in y.items()
        )
    best = min(errors, key=errors.get)
    predicted = _fitted(name, best, train, y)(test)
    return {
        task: predicted[task]
        if kind == "classification"
        else predicted[task][:, 0]
        for task, kind in kinds.items()
    }


def _columns(kind, labels) -> np.ndarray:
    """Codes labels as columns; NaN where one is missing."""
    labels = np.asarray(labels, "float64").reshape(-1)
    if kind == "regression":
        return labels[:, None]
    is_present = labels >= 0
    count = int(labels.max()) + 1
    classes = np.arange(count) if kind == "classification" else np.array([1])
    columns = np.where(labels[:, None] == classes, 1.0, -1.0)
    columns[~is_present] = np.nan
    return columns


def _fitted(name, strength, x, y):
    if name in ("tree", "shared_forest"):
        number = 1 if name == "tree" else 100
        forest = classical.MultiTaskForest(number, min_leaf=strength)
        return forest.fit(x, y).predict
    kind = {
        "lasso": classical.MultiTaskLasso,
        "trace_norm": classical.TraceNorm,
    }
    model = kind[name](strength, tolerance=1e-6)
    model.fit({task: (x, columns) for task, columns in y.items()})
    return lambda rows: {task: model.predict(task, rows) for task in y}
