"""Fine-tunes a model on each task alone, merges the results, measures all."""

import warnings

import keras
import numpy as np

from mtl_keras import data, merge, optimizers, training
from mtl_keras.ensemble import nesting
from zoo import gains, preparation

_SCALES = (0.0, 0.15, 0.3, 0.5, 1.0)
# Of TIES, whose mean is over the models that agree.
_TIES_SCALES = (0.5, 1.0, 1.5)
_DENSITY = 0.2


def measured(config, data_dir=None, tell=print) -> dict:
    """Fine-tunes and merges once.

    All trainings start from the same weights: those that `config.weights`
    names, or fresh ones of `config.seed`. A model for each task is trained on
    this task's loss alone, one on all; each has the recipe's epochs, optimizer
    and batches. The scales of task arithmetic and TIES, and the weights of the
    layers, are those with the lowest loss on the validation split.

    Args:
        config: `ConfigDict`, a recipe.
        data_dir: Folder of prepared data sets.
        tell: Function of a string, called with what is being done.

    Returns:
        Dict of a model's name (`"start"`, `"single"`: each task by its own
        model, `"joint"`, `"average"`, `"task arithmetic"`, `"per layer"` and
        `"TIES"`) to a dict of measure to float, on the test split; and
        `"chosen"`, a dict of the scales.
    """
    start, datasets = preparation.prepare(config, data_dir)
    validation = datasets["validation"].cache()
    labels = _labels(datasets["test"])
    measures = gains.Measures(start, labels)
    everything = np.arange(measures.size)

    def measure(model):
        functions = measures.of(model.predict(datasets["test"], verbose=0))
        return {key: float(f(everything)) for key, f in functions.items()}

    rows, tuned = {"start": measure(start)}, {}
    for task in start.tasks:
        tell(f"fine-tunes {task}, seed {config.seed}")
        tuned[task] = _trained(start, datasets["train"], config, task)
    of_tasks = {task: measure(model) for task, model in tuned.items()}
    rows["single"] = {
        key: of_tasks[task][key]
        for key in rows["start"]
        for task in start.tasks
        if key.startswith(f"{task}_")
    }
    tell(f"trains all tasks, seed {config.seed}")
    rows["joint"] = measure(_trained(start, datasets["train"], config, None))
    tell(f"merges, seed {config.seed}")
    rows["average"] = measure(merge.average(tuned))
    chosen = {}
    # Of no sweep, the best common weight: task arithmetic's scale.
    for method, sweeps in (("task arithmetic", 0), ("per layer", 1)):
        model, chosen[method] = merge.per_layer(
            start, tuned, validation, scales=_SCALES, sweeps=sweeps
        )
        rows[method] = measure(model)
    models = {
        scale: merge.ties(start, tuned, density=_DENSITY, scale=scale)
        for scale in _TIES_SCALES
    }
    losses = {scale: _loss(m, validation) for scale, m in models.items()}
    chosen["TIES"] = min(losses, key=losses.get)
    rows["TIES"] = measure(models[chosen["TIES"]])
    return {**rows, "chosen": chosen}


def _labels(dataset) -> dict:
    parts = {}
    for _, labels, *_ in dataset:
        for name, values in labels.items():
            parts.setdefault(name, []).append(np.asarray(values))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _trained(start, train, config, task):
    """Trains a copy of the start on one task, or on all for `None`."""
    model = nesting.clone(start)
    steps = training.recipe.steps_per_epoch(train)
    epochs = config.epochs
    keras.utils.set_random_seed(config.seed)
    others = [name for name in start.tasks if task not in (None, name)]
    model.compile(
        optimizers.from_recipe(
            config.optimizer.to_dict(), epochs=epochs, steps_per_epoch=steps
        ),
        loss=dict.fromkeys(others) or None,
        loss_weights=None if others else config.get("loss_weights"),
        jit_compile=config.get("jit_compile", "auto"),
    )
    with warnings.catch_warnings():
        # Keras: the heads of the other tasks have no gradient.
        warnings.filterwarnings("ignore", "Gradients do not exist")
        model.fit(
            data.epochs(train, 0, epochs),
            epochs=epochs,
            steps_per_epoch=steps,
            verbose=0,
        )
    return model


def _loss(model, dataset) -> float:
    model.compile()
    return model.evaluate(dataset, verbose=0, return_dict=True)["loss"]


def lines(results: list[dict]) -> list[str]:
    """Writes a table over the seeds as Markdown.

    Args:
        results: List of dicts, as of `measured`.

    Returns:
        List of strings.
    """
    names = [name for name in results[0] if name != "chosen"]
    keys = list(results[0]["joint"])
    arrows = ["↓" if gains.is_lower_better(key) else "↑" for key in keys]
    head = [f"{key} {arrow}" for key, arrow in zip(keys, arrows, strict=True)]
    rows = [["", *head], ["---", *["---:"] * len(keys)]]
    for name in names:
        cells = []
        for key in keys:
            values = np.array([result[name][key] for result in results])
            cell = f"{values.mean():.4f}"
            if len(values) > 1:
                cell += f" ± {values.std(ddof=1):.4f}"
            cells.append(cell)
        rows.append([name, *cells])
    return [f"| {' | '.join(row)} |" for row in rows]
