"""Three labels of SUPPORT2's patients, by three models, and jointly.

Organ failure, death in the hospital and intensive treatment, as on the page of
the medical example: an example of label dependence, and no medical advice.
"""

import keras
import numpy as np

from mtl_keras import MultiTaskModel, Task, ensemble
from mtl_keras import data as mtl_data
from zoo import prepared_data, registry
from zoo.datasets.support2_joint import builder

TASKS = tuple(
    Task(name, "presence") for name in ("failure", "death", "intensive")
)
_COLUMNS = (*builder.NUMBERS, *builder.CATEGORIES)
_SPLITS = ("train", "validation", "test")
# Average TISS of the days in hospital.
_INTENSIVE = 25


def splits(data_dir=None) -> dict:
    """Reads the patients.

    Args:
        data_dir: Folder of prepared data sets.

    Returns:
        Dict of split to a pair of inputs and labels, arrays.
    """
    entry = registry.find("diagnosis_survival").entry
    prepared = prepared_data.prepared_builder(entry, "support2_joint", data_dir)
    tables = {}
    for split in _SPLITS:
        dataset = prepared.as_dataset(split=split, shuffle_files=False)
        size = prepared.info.splits[split].num_examples
        tables[split] = next(dataset.batch(size).as_numpy_iterator())
    names = prepared.info.features["disease"].names
    preprocessor = mtl_data.ColumnPreprocessor.adapt(
        {name: tables["train"][name] for name in _COLUMNS}, num_quantiles=32
    )
    return {
        split: (
            np.asarray(
                preprocessor({name: table[name] for name in _COLUMNS})[0][
                    "columns"
                ]
            ),
            _labels(table, names),
        )
        for split, table in tables.items()
    }


def _labels(table, diseases) -> dict:
    treatment = table["avtisst"]
    return {
        "failure": (table["disease"] == diseases.index("ARF/MOSF")).astype(
            "float32"
        ),
        "death": table["death"].astype("float32"),
        "intensive": np.where(
            np.isnan(treatment), np.nan, treatment >= _INTENSIVE
        ).astype("float32"),
    }


def trained(task: Task, parts: dict, seed: int, epochs: int = 8):
    """Trains a model of one task.

    Args:
        task: `Task`.
        parts: Dict, as of `splits`.
        seed: Integer.
        epochs: Integer.

    Returns:
        `MultiTaskModel`.
    """
    keras.utils.set_random_seed(seed)
    x, labels = parts["train"]
    inputs = keras.Input(x.shape[1:], name="columns")
    features = keras.layers.Dense(64, "relu")(inputs)
    features = keras.layers.Dropout(0.5)(features)
    output = keras.layers.Dense(1, "sigmoid", name=task.name)(features)
    model = MultiTaskModel(inputs, {task.name: output}, tasks=[task])
    model.compile("adam")
    model.fit(
        x,
        {task.name: labels[task.name]},
        batch_size=256,
        epochs=epochs,
        verbose=0,
    )
    return model


def measured(data_dir=None, seeds: int = 3, draws: int = 1000) -> dict:
    """Compares the joint model with independent tasks on the test split.

    The prior is counted on the training split, its strength is fitted on the
    validation split. Log-likelihoods are means over the seeds; the intervals
    are of the test examples.

    Args:
        data_dir: Folder of prepared data sets.
        seeds: Integer.
        draws: Integer, bootstrap draws.

    Returns:
        Dict with `"tasks"`, `"num_examples"`, `"independent"`, a
        log-likelihood, and `"joint"`, a dict of the kind of strength to
        `log_likelihood`, `gain`, `low` and `high`; `"strengths"`, those that
        were fitted.
    """
    parts = splits(data_dir)
    prior = ensemble.LabelPrior.fit(parts["train"][1], TASKS)
    values, strengths = {"0": [], "1": [], "fitted": []}, []
    for seed in range(seeds):
        models = [trained(task, parts, seed) for task in TASKS]
        predictions = {split: {} for split in ("validation", "test")}
        for model in models:
            for split, predicted in predictions.items():
                predicted |= model.predict(parts[split][0], verbose=0)
        strengths.append(
            prior.fit_strength(
                predictions["validation"], parts["validation"][1]
            )
        )
        for name, strength in zip(values, (0, 1, strengths[-1]), strict=True):
            values[name].append(
                prior.log_likelihood(
                    predictions["test"], parts["test"][1], strength
                )
            )
    means = {name: np.mean(rows, axis=0) for name, rows in values.items()}
    size = len(means["0"])
    rng = np.random.default_rng(0)
    samples = [rng.integers(0, size, size) for _ in range(draws)]
    joint = {}
    for name in ("1", "fitted"):
        gained = means[name] - means["0"]
        drawn = [gained[rows].mean() for rows in samples]
        low, high = np.quantile(drawn, [0.025, 0.975])
        joint[name] = {
            "log_likelihood": float(means[name].mean()),
            "gain": float(gained.mean()),
            "low": float(low),
            "high": float(high),
        }
    return {
        "tasks": [task.name for task in TASKS],
        "num_examples": size,
        "independent": float(means["0"].mean()),
        "joint": joint,
        "strengths": strengths,
        "prior": prior.table.tolist(),
    }
