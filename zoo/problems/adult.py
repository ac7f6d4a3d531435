"""Real data: income and marital status of 48,842 adults.

Two tasks of the census extract `adult` (Kohavi, KDD 1996): whether the income
exceeds 50,000 dollars, and whether the person never married, without the
columns marital-status and relationship. Numbers are standardised, categories
one-hot. The trunk has two dense stages, whose width gives each model the
parameters of the others to within 10%; the models of one task, too, have as
many parameters each. All are trained by one recipe: Adam, 6 epochs, batches
of 256, no choice of epoch; only the temperature of `branching` follows the
length of the training. Values are the area under the ROC curve on the 16,281
test examples. `cagrad` balances at the features.

No architecture is above the models of one task on both tasks by more than a
standard deviation. Hard sharing is level with them, with half the parameters of
the two. `mtan` gains 0.003 on income and loses 0.001 on marital status; `cgc`
is the best on marital status and loses 0.001 on income; the others lose up to
0.002 on one of the tasks. `cagrad` is level with equal weights everywhere.
Tried as well: `branching` with a temperature that falls by the default 0.998 a
step, which had not decided at the end (0.864 and 0.876).

Put `adult.data` and `adult.test` of the UCI repository into a folder `adult`
of the folder that the environment variable MTL_KERAS_DATA names.
"""

import csv
import os
import pathlib

import keras
import numpy as np
from keras import layers

import mtl_keras
from mtl_keras import balancing
from zoo.problems import models

_COLUMNS = (
    "age workclass fnlwgt education education-num marital-status occupation "
    "relationship race sex capital-gain capital-loss hours-per-week "
    "native-country income"
).split()
_NUMBERS = "age education-num capital-gain capital-loss hours-per-week".split()
_CATEGORIES = "workclass education occupation race sex native-country".split()
DECIMALS = 4
_TASKS = ("income", "never_married")
# The first stage's width; the second has half of it.
WIDTHS = {
    "single task": 160,
    "hard": 160,
    "mmoe": 56,
    "cgc": 70,
    "ple": 68,
    "cross_stitch": 96,
    "sluice": 96,
    "nddr": 52,
    "mtan": 58,
    "dselect_k": 56,
    "branching": 96,
}
# The temperature reaches its lowest before the end of this training.
_SHARINGS = {
    "single task": "hard",
    "branching": {"name": "branching", "decay": 0.993},
}


def run(seed: int) -> dict:
    """Trains every architecture with equal weights and with cagrad."""
    train, test = read()
    rows = {}
    for name in WIDTHS:
        methods = ("equal",) if name == "single task" else ("equal", "cagrad")
        for method in methods:
            areas, size = trained(name, method, train, test, seed)
            row = name if name == "single task" else f"{name}, {method}"
            rows[row] = {"parameters": size, **areas}
            keras.utils.clear_session()
    return rows


def trained(name, method, train, test, seed) -> tuple[dict, int]:
    """Trains one model, or one a task, and measures it.

    Returns:
        Tuple of a dict, task name to area under the ROC curve, and the number
        of parameters of a model.
    """
    from sklearn.metrics import roc_auc_score

    groups = [(task,) for task in _TASKS] if name == "single task" else [_TASKS]
    areas = {}
    for tasks in groups:
        model = build(name, train[0].shape[1], tasks, seed)
        weights = None
        if method != "equal":
            weights = balancing.get(method, on="features")
        models.train(
            model,
            train[0],
            {task: train[1][task] for task in tasks},
            steps=6 * len(train[0]) // 256,
            learning_rate=2e-3,
            batch_size=256,
            loss_weights=weights,
            seed=seed,
        )
        outputs = model.predict(test[0], batch_size=4096, verbose=0)
        for task in tasks:
            scores = outputs[task][:, 0]
            areas[task] = float(roc_auc_score(test[1][task], scores))
    return areas, model.count_params()


def build(name: str, num_inputs: int, tasks, seed: int = 0):
    """Builds the model of an architecture.

    Args:
        name: String, a key of `WIDTHS`.
        num_inputs: Integer.
        tasks: Tuple of names.
        seed: Integer.

    Returns:
        `MultiTaskModel`.
    """
    width = WIDTHS[name]
    return models.build(
        seed,
        num_inputs,
        [mtl_keras.Task(task, "presence") for task in tasks],
        models.dense_stages(width, width // 2, activation="relu"),
        _SHARINGS.get(name, name),
        lambda features, task: layers.Dense(
            1, activation="sigmoid", name=task.name
        )(features),
    )


def read() -> list:
    """Reads the examples.

    Returns:
        List of two pairs, training and test: inputs, a float32 array of shape
        `(examples, 94)`, and a dict of task name to int32 array.

    Raises:
        FileNotFoundError: If the files are not there.
    """
    folder = pathlib.Path(os.environ.get("MTL_KERAS_DATA", "data")) / "adult"
    parts = []
    for name in ("adult.data", "adult.test"):
        if not (folder / name).exists():
            raise FileNotFoundError(
                f"The problem 'adult' needs the file {name} in a folder "
                "'adult' of the folder that MTL_KERAS_DATA names. Received: "
                f"MTL_KERAS_DATA={os.environ.get('MTL_KERAS_DATA')!r}"
            )
        with open(folder / name, encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, skipinitialspace=True))
        # The test file starts with a remark, and both end with blank lines.
        lines = [line for line in lines if len(line) == len(_COLUMNS)]
        parts.append(dict(zip(_COLUMNS, np.array(lines).T, strict=True)))
    train = parts[0]
    statistics, levels = {}, {c: np.unique(train[c]) for c in _CATEGORIES}
    for column in _NUMBERS:
        values = _numbers(train[column], column)
        statistics[column] = values.mean(), values.std()
    return [_examples(part, statistics, levels) for part in parts]


def _examples(part, statistics, levels):
    columns = [
        (_numbers(part[c], c) - mean) / deviation
        for c, (mean, deviation) in statistics.items()
    ]
    for column, values in levels.items():
        columns += list((part[column][:, None] == values).T)
    labels = {
        "income": np.char.startswith(part["income"], ">50K"),
        "never_married": part["marital-status"] == "Never-married",
    }
    return (
        np.stack(columns, axis=1).astype("float32"),
        {task: values.astype("int32") for task, values in labels.items()},
    )


def _numbers(values, column):
    values = values.astype("float64")
    return np.log1p(values) if column.startswith("capital") else values
