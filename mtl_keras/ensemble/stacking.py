"""Stacking (Wolpert, Neural Networks 5, 1992; Breiman, 1996)."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.data import splits
from mtl_keras.ensemble import (
    forms,
    layers,
    members,
    nesting,
    rows,
    second_level,
    stacking_data,
)
from mtl_keras.messages import listed, unknown

_FEATURES = (second_level.LOGITS, second_level.PROBABILITIES)


def out_of_fold(
    models: Sequence, folds: Sequence, x, *, batch_size: int = 256
) -> dict:
    """Predicts each example by the model that was not trained on it.

    Args:
        models: Sequence of `MultiTaskModel`, one a fold, each trained on the
            examples outside of its fold.
        folds: Sequence of arrays, the numbers of the examples of each fold;
            each example is in exactly one. The `"test"` parts of
            `mtl_keras.data.splits.folds`.
        x: Array of inputs, or a structure of arrays.
        batch_size: Integer, of the prediction.

    Returns:
        Dict of task name to an array of the predictions of all examples, in
        their order.

    Raises:
        ValueError: If there are not as many models as folds, the folds do not
            hold each example once, or tasks differ between the models.
    """
    models = members.check(models, "Out-of-fold prediction", least=1)
    rows.check_sequence("folds", folds)
    if len(models) != len(folds):
        raise ValueError(
            "Out-of-fold prediction needs a model for each fold. Received: "
            f"{len(models)} models and {len(folds)} folds"
        )
    size = len(np.asarray(keras.tree.flatten(x)[0]))
    folds = _checked_folds(folds, size)
    names = members.task_names(models)
    result = {}
    for model, fold in zip(models, folds, strict=True):
        predicted = model.predict(
            rows.taken(x, fold), batch_size=batch_size, verbose=0
        )
        for name in names:
            part = predicted[name]
            whole = result.setdefault(
                name, np.empty((size, *part.shape[1:]), np.float32)
            )
            whole[fold] = part
    return result


def stack(
    fits: Sequence[Callable],
    x,
    labels: dict,
    *,
    num_folds: int = 5,
    groups=None,
    folds=None,
    tasks=None,
    features: str = second_level.LOGITS,
    regularization: float = 1.0,
    seed: int = 0,
    batch_size: int = 256,
    name: str = "ensemble",
):
    """Trains members and a linear model on what they predict, for each task.

    Each function of `fits` trains a model for each fold, on the examples
    outside of it, and one on all examples. The second level is fitted to the
    predictions of the former for their own fold only: no member has seen the
    label that its prediction is compared with. The members of the ensemble
    are the latter. That is `len(fits) * (num_folds + 1)` trainings.

    ```python
    model = ensemble.stack([fit_small, fit_large], x, labels, num_folds=5)
    ```

    Args:
        fits: Sequence of at least two functions of inputs and labels, each of
            which returns a new, trained `MultiTaskModel`.
        x: Array of inputs, or a structure of arrays, with an example on the
            first axis.
        labels: Dict of task name to array of labels; missing ones are marked
            as for training, and are left out of the second level.
        num_folds: Integer of at least 2.
        groups: Array of one value an example; no group is in two folds.
        folds: Sequence of arrays of examples' numbers, in place of drawing
            folds at random. Defaults to `None`.
        tasks: As for `average`.
        features: As for `fit_stack`.
        regularization: As for `fit_stack`.
        seed: Integer, not negative.
        batch_size: Integer, of the prediction.
        name: String, the name of the ensemble.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: As for `average`, `out_of_fold` and `fit_stack`, or if
            there are fewer than two functions, or fewer examples or groups
            than folds, or `folds` and `groups` are both given.
    """
    if not isinstance(fits, list | tuple) or len(fits) < 2:
        raise ValueError(
            "Stacking needs at least two functions that train a member. "
            f"Received: fits={fits!r}"
        )
    for function in fits:
        rows.check_function("fits", function)
    _check_options(features, regularization)
    size = rows.num_examples(x, labels)
    if folds is not None and groups is not None:
        raise ValueError(
            "`groups` choose the folds where `folds` are not given. Received: "
            "both"
        )
    if folds is None:
        folds = splits.folds(size, num_folds, groups=groups, seed=seed)
        folds = [part["test"] for part in folds]
    folds = _checked_folds(folds, size)
    if len(folds) < 2:
        raise ValueError(
            "Stacking needs at least two folds: a model of one fold would be "
            f"trained on nothing. Received: {len(folds)}"
        )
    everything = np.arange(size)
    models, predictions = [], []
    for number, fit in enumerate(fits):
        of_folds = []
        for fold in [*folds, None]:
            if fold is None:
                chosen = everything
            else:
                chosen = np.setdiff1d(everything, fold)
            keras.utils.set_random_seed(seed + number)
            of_folds.append(
                fit(rows.taken(x, chosen), rows.taken(labels, chosen))
            )
        *of_folds, whole = of_folds
        members.check([*of_folds, whole], f"Stacking, function {number},")
        models.append(whole)
        predictions.append(
            out_of_fold(of_folds, folds, x, batch_size=batch_size)
        )
    return fit_stack(
        models,
        predictions,
        labels,
        tasks=tasks,
        features=features,
        regularization=regularization,
        seed=seed,
        name=name,
    )


def fit_stack(
    models: Sequence,
    predictions: Sequence[dict],
    labels: dict,
    *,
    tasks=None,
    features: str = second_level.LOGITS,
    regularization: float = 1.0,
    seed: int = 0,
    name: str = "ensemble",
):
    """Fits the second level to predictions that you have made.

    The predictions must be of examples that their model was not trained on:
    those of `out_of_fold`, or of a validation split that chose nothing. On
    training examples the second level would trust the member that has
    memorised them best.

    Classes and presence have a logistic regression, numbers and boxes a ridge
    regression for each coordinate, on standardised predictions, all with
    scikit-learn; the coefficients become a layer of the ensemble. A class
    without a label has a probability of about 0. Survival is averaged, as by
    `average`.

    Args:
        models: Sequence of at least two `MultiTaskModel`, the members.
        predictions: Sequence of dicts of task name to array, one a member.
        labels: Dict of task name to array of labels of these examples.
        tasks: As for `average`.
        features: String, what a logistic regression reads: `"logits"`, the
            logarithms of the probabilities (of a presence the log-odds), or
            `"probabilities"`, as scikit-learn's `StackingClassifier`.
        regularization: Positive float, `alpha` of `Ridge`, and `1 / C` of
            `LogisticRegression`.
        seed: Integer. Of more than 100,000 pixels or tokens with a label as
            many are drawn.
        name: String, the name of the ensemble.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: As for `average`, or if predictions or labels do not fit,
            or a task has labels of one class only.
    """
    _check_options(features, regularization)
    models = members.check(models, "Stacking")
    names = members.task_names(models, tasks)
    members.check_same_inputs(models)
    if not isinstance(predictions, list | tuple) or (
        len(predictions) != len(models)
    ):
        number = np.size(predictions) if predictions is not None else "no"
        raise ValueError(
            "Stacking needs a sequence of the predictions of each member. "
            f"Received: {number} predictions and {len(models)} members"
        )
    inputs, outputs = nesting.nested(models)
    combined, kernels = {}, {}
    columns = members.columns(models, outputs, names)
    for column in columns:
        task = column.task
        layer_name = nesting.layer_name(task.name, inputs)
        common = {
            "to_logits": column.from_logits[0],
            "name": layer_name,
        }
        if column.kind in forms.SURVIVAL:
            layer = layers.MemberAverage(
                column.kind, [1.0] * len(models), column.from_logits, **common
            )
        else:
            by_column = task.kind == "classification" and task.is_group
            layer = second_level.StackedOutput(
                column.kind,
                column.from_logits,
                features,
                by_column=by_column,
                **common,
            )
            kernels[task.name] = (
                layer,
                _fit_column(
                    models[0],
                    column,
                    predictions,
                    labels,
                    layer,
                    regularization,
                    seed,
                ),
            )
        combined[task.name] = layer(list(column.tensors))
    for layer, (kernel, bias) in kernels.values():
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
    tasks = [column.task for column in columns]
    return nesting.joined(inputs, combined, tasks, models, name)


def _fit_column(
    model, column, predictions, labels, layer, regularization, seed
):
    name = column.task.name
    if not isinstance(labels, dict) or name not in labels:
        raise ValueError(
            f"Stacking needs labels of the task {name!r}, in a dict. Received: "
            f"{listed(labels) if isinstance(labels, dict) else type(labels)}. "
            "Choose other tasks by tasks=[...]."
        )
    shape = tuple(model.output[name].shape)
    arrays = [
        stacking_data.prediction(given, column, number, shape)
        for number, given in enumerate(predictions)
    ]
    label, present = stacking_data.read_labels(
        model.tasks[name], labels[name], column.kind, arrays[0].shape
    )
    for number, array in enumerate(arrays):
        if array.shape != arrays[0].shape or len(array) != len(label):
            raise ValueError(
                f"Predictions and labels of the task {name!r} must be of the "
                f"same examples. Received: predictions of shape {array.shape} "
                f"of member {number}, {len(label)} labels"
            )
    read = keras.ops.convert_to_numpy(
        second_level.features_of(
            arrays, column.kind, layer.from_logits, layer.features
        )
    )
    if column.kind == forms.CLASSES:
        label = label, arrays[0].shape[-1]
    return second_level.fit(
        name,
        column.kind,
        read,
        label,
        present,
        by_column=layer.by_column,
        regularization=regularization,
        seed=seed,
    )


def _checked_folds(folds, size) -> list:
    rows.check_sequence("folds", folds)
    folds = [rows.checked("folds", fold, size) for fold in folds]
    numbers = np.concatenate(folds) if folds else np.array([], np.int64)
    counts = np.bincount(numbers, minlength=size)
    if (counts != 1).any():
        example = int(np.flatnonzero(counts != 1)[0])
        raise ValueError(
            "Each example must be in exactly one fold. Received: example "
            f"{example} in {counts[example]} folds"
        )
    return folds


def _check_options(features, regularization):
    if features not in _FEATURES:
        raise ValueError(unknown("`features`", features, _FEATURES))
    checks.number("regularization", regularization, above=0)
