"""Ensembles of finished trainings, measured beside their members."""

import dataclasses

import numpy as np

from mtl_keras import ensemble
from mtl_keras.messages import listed
from zoo import gains

_BATCH = 256


class Splits:
    """The splits of the members' data, read once each.

    Args:
        chosen: List of `zoo.commands.selection.Selection`.
        data_dir: Folder of prepared data sets, or `None`.
    """

    def __init__(self, chosen, data_dir):
        self._chosen, self._data_dir = chosen, data_dir
        self._labels = {}

    def batches(self, number: int, split: str):
        """Returns a split's batches, in order, as a member reads them."""
        return self._chosen[number].dataset(split, _BATCH, self._data_dir)

    def labels(self, number: int, split: str) -> dict:
        """Returns the labels of a split of a member's tasks, as arrays."""
        key = number, split
        if key not in self._labels:
            parts = {}
            for _, labels, *_ in self.batches(number, split):
                for name, values in labels.items():
                    parts.setdefault(name, []).append(np.asarray(values))
            self._labels[key] = {
                name: np.concatenate(arrays) for name, arrays in parts.items()
            }
        return self._labels[key]

    def predictions(self, model, number: int, split: str) -> dict:
        """Returns a model's outputs for a split, as arrays."""
        return model.predict(self.batches(number, split), verbose=0)


def combined(
    models, splits, methods, split, draws, regularization=1.0
) -> tuple:
    """Combines models of the same tasks, and measures all.

    The second level of `"stack"` is fitted on the validation split.

    Args:
        models: List of `MultiTaskModel`.
        splits: `Splits`.
        methods: List of strings: `"average"`, `"vote"`, `"stack"`.
        split: String, the split to measure on.
        draws: Integer, bootstrap draws.
        regularization: Float, of the second level; see `ensemble.fit_stack`.

    Returns:
        Pair of a dict of method to `MultiTaskModel`, and of the table's
        content, plain data: gains over the member that is the best on the
        validation split, and over the one that is the best on the split
        itself, measure by measure. The latter is known afterwards only.
    """
    made = {}
    for method in methods:
        if method == "stack":
            if split == "validation":
                raise ValueError(
                    "The second level is fitted on the validation split, so it "
                    "is measured on another. Received: --split=validation"
                )
            made[method] = ensemble.fit_stack(
                models,
                [splits.predictions(m, 0, "validation") for m in models],
                splits.labels(0, "validation"),
                regularization=regularization,
            )
        else:
            made[method] = getattr(ensemble, method)(models)
    measures, singles = _measured_members(models, splits, split)
    others = {
        name: measures.of(splits.predictions(model, 0, split))
        for name, model in made.items()
    }
    size, everything = measures.size, np.arange(measures.size)
    bases = {"best here": gains.best_of(singles, size)}
    if split != "validation":
        held_out, on_validation = _measured_members(
            models, splits, "validation"
        )
        chosen = gains.best_of(on_validation, held_out.size)
        bases = {"best on validation": chosen, **bases}
    content = {
        "num_members": len(models),
        "num_examples": size,
        "draws": draws,
        "members": {
            measure: [float(s[measure](everything)) for s in singles.values()]
            for measure in bases["best here"]
        },
        "over": {
            title: {
                "members": {
                    measure: float(singles[name][measure](everything))
                    for measure, name in best.items()
                },
                "gains": _plain(
                    gains.over(best, singles, others, size, draws=draws)
                ),
            }
            for title, best in bases.items()
        },
    }
    return made, content


def _measured_members(models, splits, split) -> tuple:
    measures = gains.Measures(models[0], splits.labels(0, split))
    singles = {
        f"member {i}": measures.of(splits.predictions(model, 0, split))
        for i, model in enumerate(models)
    }
    return measures, singles


def _plain(compared) -> dict:
    return {
        name: {m: dataclasses.asdict(gain) for m, gain in row.items()}
        for name, row in compared.items()
    }


def lines(content) -> list[str]:
    """Writes the tables of `combined` as Markdown, one an ensemble.

    Args:
        content: Dict, as of `combined`.

    Returns:
        List of strings.
    """
    texts = []
    for name in next(iter(content["over"].values()))["gains"]:
        head = ["measure", "members", name]
        for title in content["over"]:
            head += [title, "gain", "95%"]
        rows = [head, ["---", *["---:"] * (len(head) - 1)]]
        for measure, values in content["members"].items():
            arrow = "↓" if gains.is_lower_better(measure) else "↑"
            first = next(iter(content["over"].values()))
            row = [
                f"{measure} {arrow}",
                f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}",
                f"{first['gains'][name][measure]['value']:.4f}",
            ]
            for base in content["over"].values():
                gain = base["gains"][name][measure]
                row += [
                    f"{base['members'][measure]:.4f}",
                    f"{gain['gain']:+.4f}",
                    f"{gain['low']:+.4f} to {gain['high']:+.4f}",
                ]
            rows.append(row)
        texts += [f"| {' | '.join(row)} |" for row in rows]
        texts.append("")
    return texts[:-1]


def joint(models, splits, split, draws) -> tuple:
    """Combines models of tasks of their own by a prior over their labels.

    The prior is counted on the training split, its strength is fitted on the
    validation split.

    Args:
        models: List of `MultiTaskModel`.
        splits: `Splits`.
        split: String, the split to measure on.
        draws: Integer, bootstrap draws.

    Returns:
        Pair of a dict with the model, and of the content of the table: mean
        log-likelihoods of the labels of all tasks, and the gains over
        independent tasks.
    """
    tasks = [task for model in models for task in model.tasks.values()]
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise ValueError(
            "The method joint needs members of tasks of their own. Received: "
            f"the tasks {listed(names)}"
        )
    prior = ensemble.LabelPrior.fit(_all_labels(models, splits, "train"), tasks)
    fitted = prior.fit_strength(
        _all_predictions(models, splits, "validation"),
        _all_labels(models, splits, "validation"),
    )
    predictions = _all_predictions(models, splits, split)
    labels = _all_labels(models, splits, split)
    alone = prior.log_likelihood(predictions, labels, 0.0)
    rng = np.random.default_rng(0)
    size = len(alone)
    samples = [rng.integers(0, size, size) for _ in range(draws)]
    content = {
        "tasks": names,
        "num_examples": size,
        "independent": float(alone.mean()),
        "joint": {},
    }
    for strength in dict.fromkeys((1.0, fitted)):
        values = prior.log_likelihood(predictions, labels, strength)
        gained = values - alone
        drawn = [gained[rows].mean() for rows in samples]
        low, high = np.quantile(drawn, [0.025, 0.975])
        content["joint"][f"{strength:.3f}"] = {
            "log_likelihood": float(values.mean()),
            "gain": float(gained.mean()),
            "low": float(low),
            "high": float(high),
        }
    return {"joint": ensemble.joint(models, prior, strength=fitted)}, content


def joint_lines(content) -> list[str]:
    """Writes the table of `joint` as Markdown."""
    rows = [
        ["", "log-likelihood", "gain", "95%"],
        ["---", "---:", "---:", "---:"],
        ["independent", f"{content['independent']:.4f}", "", ""],
    ]
    for strength, row in content["joint"].items():
        rows.append(
            [
                f"joint, strength {strength}",
                f"{row['log_likelihood']:.4f}",
                f"{row['gain']:+.4f}",
                f"{row['low']:+.4f} to {row['high']:+.4f}",
            ]
        )
    return [f"| {' | '.join(row)} |" for row in rows]


def _all_labels(models, splits, split) -> dict:
    return {
        name: values
        for number in range(len(models))
        for name, values in splits.labels(number, split).items()
    }


def _all_predictions(models, splits, split) -> dict:
    return {
        name: values
        for number, model in enumerate(models)
        for name, values in splits.predictions(model, number, split).items()
    }
