"""What transfer gains for a new assay with few labels."""

import dataclasses

import keras
import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import zoo
from mtl_keras import Task, transfer
from mtl_keras.messages import unknown
from zoo.datasets.tox21_assays.builder import ASSAYS

_LEARNING_RATES = (3e-4, 1e-3, 3e-3)
_PROBED = (2, 5, 10, 20, 40, 80)
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_HEAD_EPOCHS = 10
_METHODS = {
    "linear": "logistic regression on the n-grams",
    "structure": "`transfer.structure`: from scratch",
    "features": "`transfer.features`: trunk frozen",
    "parameters": "`transfer.parameters`, then `fine_tune`",
}
_BASELINE = "structure"


@dataclasses.dataclass(frozen=True)
class TransferProblem:
    """A new assay with few labels, and the assays to transfer from.

    Args:
        sources: Tuple of strings, assays with all their labels.
        new: String, the assay with few.
        num_labels: Integer.
        source_epochs: Integer, epochs of the source model.
        epochs: Integer, most epochs on the new labels.

    Raises:
        ValueError: If an assay is unknown, or the new one is a source.
    """

    sources: tuple[str, ...]
    new: str
    num_labels: int = 50
    source_epochs: int = 12
    epochs: int = 80

    def __post_init__(self):
        for name in (*self.sources, self.new):
            if name not in ASSAYS:
                raise ValueError(unknown("assay", name, ASSAYS))
        if self.new in self.sources or not self.sources:
            raise ValueError(
                "Expected a new assay and others to transfer from. Received: "
                f"new={self.new!r}, sources={self.sources}"
            )


def read_splits(data: str, data_dir: str | None = None) -> dict:
    """Reads the splits of Tox21 into memory.

    Args:
        data: String, a data name of the model `assays`.
        data_dir: String, folder of prepared data sets, or `None`.

    Returns:
        Dict, split to `(inputs, labels)`: float32 counts of n-grams and
        int32 labels of shape `(examples, 12)`, -1 where one is missing.
    """
    splits = {}
    for split in ("train", "validation", "test"):
        batches = zoo.dataset(
            "assays", split, data, 512, data_dir=data_dir, training=False
        )
        pairs = [
            (inputs["ngrams"], labels["assays"])
            for inputs, labels, *_ in batches.as_numpy_iterator()
        ]
        splits[split] = tuple(
            np.concatenate(part) for part in zip(*pairs, strict=True)
        )
    return splits


def table(problem: TransferProblem, splits: dict, seeds) -> str:
    """Trains every method on every seed and writes the table.

    Args:
        problem: `TransferProblem`.
        splits: Dict, as of `read_splits`.
        seeds: Iterable of integers.

    Returns:
        String, Markdown.
    """
    seeds = list(seeds)
    runs = [measure(problem, splits, seed) for seed in seeds]
    chosen = {
        method: choose([run[method] for run in runs]) for method in _METHODS
    }
    lines = [
        f"## {problem.new} with {problem.num_labels} labels, from "
        f"{', '.join(problem.sources)}",
        "",
        "| method | setting | validation AUC | test AUC | over from scratch "
        "| 95% |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for method, what in _METHODS.items():
        setting, validation, scores = chosen[method]
        margin = "- | -"
        if method != _BASELINE:
            margin = _margin(scores - chosen[_BASELINE][2])
        lines.append(
            f"| {what} | {setting} | {validation:.3f} | {scores.mean():.3f} "
            f"± {scores.std(ddof=1):.3f} | {margin} |"
        )
    return "\n".join(lines) + "\n"


def _margin(differences) -> str:
    low, high = t_interval(differences)
    return f"{differences.mean():+.3f} | {low:+.3f} to {high:+.3f}"


def choose(runs: list[dict]) -> tuple:
    """Chooses the setting that is best on validation over all seeds.

    Args:
        runs: List of dicts, one a seed, of setting to a pair: the metric on
            validation and on the test split.

    Returns:
        Tuple: the setting, its mean on validation, and a NumPy array of its
        values on the test split.
    """
    means = {
        setting: float(np.mean([run[setting][0] for run in runs]))
        for setting in runs[0]
    }
    best = max(means, key=means.__getitem__)
    return best, means[best], np.array([run[best][1] for run in runs])


def t_interval(differences, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the interval of a mean of paired differences, by Student's t.

    Args:
        differences: NumPy array, one a seed, at least two.
        confidence: Float in (0, 1).
    """
    count = len(differences)
    error = np.std(differences, ddof=1) / np.sqrt(count)
    reach = float(error * stats.t.ppf((1 + confidence) / 2, count - 1))
    mean = float(np.mean(differences))
    return mean - reach, mean + reach


def measure(problem: TransferProblem, splits: dict, seed: int) -> dict:
    """Trains the source model and every method on one draw of labels.

    Args:
        problem: `TransferProblem`.
        splits: Dict, as of `read_splits`.
        seed: Integer, of the weights and of the labels that are drawn.

    Returns:
        Dict, method to a dict of setting to `(validation AUC, test AUC)`.
    """
    keras.utils.set_random_seed(seed)
    column = ASSAYS.index(problem.new)
    x, y = draw(splits["train"], column, problem.num_labels, seed)
    evaluation = {
        split: known(splits[split], column) for split in ("validation", "test")
    }
    source = _source(problem, splits["train"])
    new = Task(_legal(problem.new), "presence")
    results = {"linear": _linear(x, y, evaluation)}
    for method in ("structure", "features", "parameters"):
        results[method] = {}
        for rate in _LEARNING_RATES:
            before = _HEAD_EPOCHS if method == "parameters" else 0
            probe = _Probe(evaluation, new.name, f"rate {rate:g}", before)
            _train(method, source, new, (x, y), rate, problem.epochs, probe)
            results[method].update(probe.results)
    keras.backend.clear_session()
    return results


def draw(split: tuple, column: int, count: int, seed: int) -> tuple:
    """Draws labelled examples of an assay, with its fraction of actives.

    Args:
        split: Pair of inputs and labels.
        column: Integer, the assay's column of the labels.
        count: Integer, how many.
        seed: Integer.

    Returns:
        Pair of inputs and of labels 0 and 1, at least two of each.
    """
    x, y = known(split, column)
    rng = np.random.default_rng(seed)
    num_active = int(np.clip(round(count * y.mean()), 2, count - 2))
    chosen = np.concatenate(
        [
            rng.choice(np.flatnonzero(y == label), size, replace=False)
            for label, size in ((1, num_active), (0, count - num_active))
        ]
    )
    return x[chosen], y[chosen]


def known(split: tuple, column: int) -> tuple:
    """Returns inputs and labels of the examples that an assay has measured."""
    x, y = split
    is_known = y[:, column] >= 0
    return x[is_known], y[is_known, column]


def _source(problem, train):
    tasks = [Task(_legal(name), "presence") for name in problem.sources]
    model = transfer.structure(zoo.load("assays"), tasks, name="source")
    x, y = train
    labels = {
        _legal(name): y[:, ASSAYS.index(name)] for name in problem.sources
    }
    is_known = np.any([column >= 0 for column in labels.values()], axis=0)
    steps = -(-int(is_known.sum()) // 128) * problem.source_epochs
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4),
        metrics=[],
        jit_compile=False,
    )
    model.fit(
        {"ngrams": x[is_known]},
        {name: column[is_known] for name, column in labels.items()},
        batch_size=128,
        epochs=problem.source_epochs,
        verbose=0,
    )
    return model


def _train(method, source, new, examples, rate, epochs, probe):
    x, y = examples
    data = {"ngrams": x}, {new.name: y}
    fit = {"batch_size": 25, "verbose": 0, "callbacks": [probe]}
    options = {"metrics": [], "jit_compile": False}
    if method == "parameters":
        model = transfer.structure(source, [new])
        transfer.parameters(source, model)
        stages = [
            transfer.Stage(_HEAD_EPOCHS, layers=0, learning_rate=rate),
            transfer.Stage(
                epochs, learning_rate=rate, trunk_learning_rate=rate / 10
            ),
        ]
        transfer.fine_tune(
            model, *data, stages=stages, compile_arguments=options, **fit
        )
        return
    build = getattr(transfer, method)
    model = build(source, [new])
    model.compile(keras.optimizers.Adam(rate), **options)
    model.fit(*data, epochs=epochs, **fit)


def _linear(x, y, evaluation) -> dict:
    results = {}
    for penalty in _PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=2000).fit(x, y)
        results[f"C {penalty:g}"] = tuple(
            roc_auc_score(labels, model.decision_function(inputs))
            for inputs, labels in evaluation.values()
        )
    return results


class _Probe(keras.callbacks.Callback):
    """Measures validation and test after some of the epochs.

    Args:
        evaluation: Dict, split to inputs and labels.
        task: String.
        setting: String, the setting but for the epochs.
        before: Integer, how many epochs come before those that are counted.
    """

    def __init__(self, evaluation, task, setting, before=0):
        super().__init__()
        self.results = {}
        self._evaluation, self._task = evaluation, task
        self._setting, self._before = setting, before

    def on_epoch_end(self, epoch, logs=None):
        """Measures the model, if this epoch is one of `_PROBED`."""
        number = epoch + 1 - self._before
        if number not in _PROBED:
            return
        setting = f"{self._setting}, {number} epochs"
        self.results[setting] = tuple(
            roc_auc_score(y, self._scores(x))
            for x, y in self._evaluation.values()
        )

    def _scores(self, x):
        outputs = self.model({"ngrams": x}, training=False)
        return keras.ops.convert_to_numpy(outputs[self._task])[:, 0]


def _legal(name: str) -> str:
    return name.replace("-", "_")
