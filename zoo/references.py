"""Models of scikit-learn on the tables of the zoo, beside which ours stand."""

import numpy as np

from mtl_keras.messages import listed, unknown
from zoo import prepared_data, registry

# Of each task alone, and of all tasks at once.
_ALONE = ("boosting", "forest", "ridge")
_SHARED = ("lasso", "shared_forest", "trace_norm", "tree")
REFERENCES = tuple(sorted(_ALONE + _SHARED))
_KINDS = ("classification", "presence", "regression")


def check(names, model: str) -> list[str]:
    """Checks the names of references.

    Args:
        names: Sequence of strings.
        model: String, a model of the zoo.

    Returns:
        List of strings, each once.

    Raises:
        ValueError: If a name is unknown, or the model reads no table.
    """
    names = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    for name in names:
        if name not in REFERENCES:
            raise ValueError(unknown("reference", name, REFERENCES))
    entry = registry.find(model).entry
    if names and entry.reads != "table":
        raise ValueError(
            "--references are of models that read tables. Received: "
            f"--references={','.join(names)} with --model={model}, which reads "
            f"{entry.reads!r}"
        )
    return names


def measure(
    names: list[str], model: str, data: str, tasks, data_dir=None
) -> list[dict]:
    """Fits classical models to the training split and measures them.

    `"boosting"`, `"forest"` and `"ridge"` are a model of scikit-learn for
    each task with its defaults: nothing is chosen. `"boosting"` is
    `HistGradientBoosting`, `"forest"` a random forest of 100 trees, `"ridge"`
    ridge regression or, for classes, logistic regression, on standardised
    numbers and one-hot categories. The others are one model of all tasks; see
    `zoo.shared_references`.

    Args:
        names: List of strings, of `REFERENCES`.
        model: String, a model of the zoo that reads tables.
        data: String, a data name on its card.
        tasks: Names of tasks; groups, and those of other kinds than
            classification, presence and regression, are left out.
        data_dir: Folder of prepared data sets.

    Returns:
        List of dicts with `"name"` and `"metrics"`, log key to float, of the
        test split.
    """
    entry = registry.find(model).entry
    spec = entry.spec(data)
    splits = {
        split: _read(entry, spec, split, data_dir)
        for split in ("train", "test")
    }
    rows = []
    alone = [
        task.name
        for task in entry.tasks(spec)
        if task.name in tasks and task.kind in _KINDS and not task.is_group
    ]
    for name in names:
        codes = _codes(name, entry, spec, splits)
        metrics = {}
        if name in _SHARED and alone:
            from zoo import shared_references

            kinds = {task: entry.kinds[task] for task in alone}
            scores = shared_references.predict(name, kinds, codes)
            for task in alone:
                _, labels = codes["test"]
                metrics.update(
                    _of_scores(kinds[task], task, labels[task], scores[task])
                )
        for task in alone if name in _ALONE else ():
            metrics.update(_fit(name, entry.kinds[task], task, codes))
        rows.append({"name": name, "metrics": metrics})
    return rows


def _read(entry, spec, split, data_dir) -> tuple[dict, dict]:
    """Reads the columns and the labels of a split."""
    builder = prepared_data.prepared_builder(entry, spec.data, data_dir)
    dataset = builder.as_dataset(split=split, shuffle_files=False)
    inputs, labels = next(
        dataset.map(entry.example(spec))
        .batch(builder.info.splits[split].num_examples)
        .as_numpy_iterator()
    )
    return inputs, labels


def _codes(name, entry, spec, splits) -> dict:
    """Makes a matrix of numbers of each split's columns."""
    (train, _), (test, _) = splits["train"], splits["test"]
    if name == "boosting":
        return _ordinal(train, test, splits)
    from mtl_keras import data as mtl_data

    preprocessor = mtl_data.ColumnPreprocessor.adapt(
        train, categories=entry.fitting_options()["categories"]
    )
    return {
        split: (preprocessor(inputs)[0]["columns"].numpy(), labels)
        for split, (inputs, labels) in splits.items()
    }


def _ordinal(train, test, splits) -> dict:
    """Numbers the categories; trees read missing numbers as they are."""
    from sklearn.preprocessing import OrdinalEncoder

    columns = {"train": [], "test": []}
    for name in sorted(train):
        parts = {"train": train[name], "test": test[name]}
        if train[name].dtype.kind in "OSU":
            encoder = OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=np.nan
            ).fit(train[name][:, None])
            parts = {
                split: encoder.transform(values[:, None])[:, 0]
                for split, values in parts.items()
            }
        for split, values in parts.items():
            columns[split].append(np.asarray(values, np.float64))
    return {
        split: (np.stack(parts, 1), splits[split][1])
        for split, parts in columns.items()
    }


def _fit(name, kind, task, codes) -> dict:
    """Fits one task, and measures it on the test split."""
    from sklearn import ensemble, linear_model

    is_number = kind == "regression"
    if name == "boosting":
        make = (
            ensemble.HistGradientBoostingRegressor
            if is_number
            else ensemble.HistGradientBoostingClassifier
        )
        model = make(random_state=0)
    elif name == "forest":
        make = (
            ensemble.RandomForestRegressor
            if is_number
            else ensemble.RandomForestClassifier
        )
        model = make(random_state=0)
    elif is_number:
        model = linear_model.Ridge()
    else:
        model = linear_model.LogisticRegression(max_iter=1000)
    present = {
        split: np.isfinite(labels[task]) if is_number else labels[task] >= 0
        for split, (_, labels) in codes.items()
    }
    (train, train_labels), (test, test_labels) = codes["train"], codes["test"]
    model.fit(train[present["train"]], train_labels[task][present["train"]])
    if is_number:
        scores = model.predict(test)
    else:
        scores = np.zeros((len(test), max(2, int(max(model.classes_)) + 1)))
        scores[:, model.classes_.astype(int)] = model.predict_proba(test)
        scores = scores[:, 1] - 0.5 if kind == "presence" else scores
    return _of_scores(kind, task, test_labels[task], scores)


def _of_scores(kind, task, true, scores) -> dict:
    """Measures predictions on the labels that are present.

    Args:
        kind: String, the task's kind.
        task: String.
        true: Array of labels, missing ones marked.
        scores: Array of shape `(examples,)`: numbers, or scores of presence
            with the threshold 0; of classes `(examples, classes)`.

    Returns:
        Dict, log key to float.
    """
    from sklearn import metrics

    true = np.asarray(true).reshape(len(scores))
    if kind == "regression":
        present = np.isfinite(true)
        true, predicted = true[present], scores[present]
        return {
            f"{task}_mae": metrics.mean_absolute_error(true, predicted),
            f"{task}_rmse": metrics.mean_squared_error(true, predicted) ** 0.5,
            f"{task}_r2": metrics.r2_score(true, predicted),
        }
    present = true >= 0
    true, scores = true[present], scores[present]
    if kind == "presence":
        predicted = (scores > 0).astype(int)
    else:
        predicted = scores.argmax(axis=1)
    measured = {f"{task}_accuracy": metrics.accuracy_score(true, predicted)}
    if kind == "presence":
        measured[f"{task}_auc"] = metrics.roc_auc_score(true, scores)
        measured[f"{task}_f1"] = metrics.f1_score(true, predicted)
    return measured


def note(names: list[str]) -> str:
    """Says what the references are, for a table's notes."""
    alone = [name for name in names if name in _ALONE]
    shared = [name for name in names if name in _SHARED]
    parts = []
    if alone:
        parts.append(
            f"{listed(alone)}: a model of scikit-learn for each task alone, "
            "with its defaults."
        )
    if shared:
        parts.append(
            f"{listed(shared)}: one classical model of all tasks; the strength "
            "of its penalty was chosen on a fifth of the training split."
        )
    return " ".join(parts)
