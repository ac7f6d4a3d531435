"""Models of scikit-learn on the tables of the zoo, beside which ours stand."""

import numpy as np

from mtl_keras.messages import listed, unknown
from zoo import prepared_data, registry

REFERENCES = ("boosting", "forest", "ridge")
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
    """Fits models of scikit-learn to the training split and measures them.

    Each task has its own model with scikit-learn's defaults: nothing is
    chosen. `"boosting"` is `HistGradientBoosting`, `"forest"` a random forest
    of 100 trees, `"ridge"` ridge regression or, for classes, logistic
    regression, on standardised numbers and one-hot categories.

    Args:
        names: List of strings, of `REFERENCES`.
        model: String, a model of the zoo that reads tables.
        data: String, a data name on its card.
        tasks: Names of tasks; those of other kinds than classification,
            presence and regression are left out.
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
    for name in names:
        codes = _codes(name, entry, spec, splits)
        metrics = {}
        for task in tasks:
            if entry.kinds[task] in _KINDS:
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
    from sklearn import ensemble, linear_model, metrics

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
    test, true = test[present["test"]], test_labels[task][present["test"]]
    predicted = model.predict(test)
    if is_number:
        return {
            f"{task}_mae": metrics.mean_absolute_error(true, predicted),
            f"{task}_rmse": metrics.mean_squared_error(true, predicted) ** 0.5,
            f"{task}_r2": metrics.r2_score(true, predicted),
        }
    measured = {f"{task}_accuracy": metrics.accuracy_score(true, predicted)}
    if kind == "presence":
        scores = model.predict_proba(test)[:, 1]
        measured[f"{task}_auc"] = metrics.roc_auc_score(true, scores)
        measured[f"{task}_f1"] = metrics.f1_score(true, predicted)
    return measured


def note(names: list[str]) -> str:
    """Says what the references are, for a table's notes."""
    return (
        f"{listed(names)}: a model of scikit-learn for each task alone, with "
        "its defaults."
    )
