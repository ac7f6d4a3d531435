"""A KerasTuner HyperModel of any functional multi-task model."""

import math

import keras
import keras_tuner

from mtl_keras import MultiTaskModel, balancing, optimizers
from mtl_keras.messages import listed, unknown
from mtl_keras.tuning import objective as objectives
from mtl_keras.tuning import references as reference_figures
from mtl_keras.tuning.searched import Searched, recipe_alone
from mtl_keras.tuning.space import Space, named

_RECIPE = {
    "batch_size": 32,
    "seed": 0,
    "optimizer": {"name": "adam", "learning_rate": 1e-3},
}
_FIELDS = (*_RECIPE, "balancer", "epochs", "loss_weights", "shared_dropout")
# Arguments of `fit` that are not those of the single-task models.
_NOT_ALONE = ("epochs", "initial_epoch", "verbose")


def hypermodel(
    build,
    tasks,
    *,
    space: str | Space = "small",
    objective: str = objectives.GAIN,
    recipe: dict | None = None,
    references=None,
    higher=(),
    lower=(),
    **compile_options,
) -> "HyperModel":
    """Makes a model of your own searchable.

    ```python
    def build(hp):
        inputs = keras.Input((5,))
        trunk = keras.layers.Dense(hp.Int("units", 8, 64), "relu")(inputs)
        return MultiTaskModel(inputs, {"price": ..., "sold": ...})

    model = tuning.hypermodel(build, ["price", "sold"], loss={...})
    tuner = keras_tuner.RandomSearch(
        model, objective=model.objective, max_trials=20, seed=1
    )
    tuner.search(x, y, validation_data=(x_val, y_val), epochs=5)
    ```

    `build` may declare hyperparameters of its own; those of the space come in
    addition.

    Args:
        build: Function of `keras_tuner.HyperParameters` that returns a new
            `MultiTaskModel`, not compiled.
        tasks: Sequence of strings, the names of the model's tasks.
        space: `"small"`, `"full"`, or a `Space`.
        objective: String: `"gain"`, the mean gain over single-task models in
            per cent, or a task's metric on the validation data, such as
            `"price_mae"`. The sum of the losses is refused: it means nothing
            while the losses' weights are searched.
        recipe: Dict, what training starts from and the space lies around:
            `"optimizer"`, as for `optimizers.from_recipe`, with a constant
            learning rate; `"batch_size"`, `"seed"`, `"loss_weights"`,
            `"balancer"`, `"shared_dropout"`; and `"epochs"`, for which
            single-task models are trained, by default those of `search`.
            Defaults to Adam, 0.001, batches of 32, and the weight 1 for each
            task.
        references: Path of a JSON file where the single-task figures are
            kept, for `"gain"`; each is the best of its epochs, as a tuner
            takes the best of a trial's. Defaults to `None`: they are measured
            before the first trial, and again in another process.
        higher: Names of metrics of your own of which more is better.
        lower: Names of metrics of your own of which less is better.
        **compile_options: As for `MultiTaskModel.compile`: `loss`, `metrics`,
            `jit_compile`, ...

    Returns:
        `HyperModel`, of which `objective` is what a tuner takes.

    Raises:
        ValueError: If the objective, a task or a field of the recipe is
            unknown, or `build` returns no `MultiTaskModel`.
    """
    objectives.refuse_sum(objective)
    recipe = _checked_recipe(recipe, compile_options)
    if isinstance(space, str):
        space = named(space)
    return HyperModel(
        build,
        tuple(tasks),
        space,
        recipe,
        compile_options,
        objective,
        references,
        {"higher": tuple(higher), "lower": tuple(lower)},
    )


class HyperModel(Searched):
    """What `hypermodel` returns.

    Attributes:
        objective: `keras_tuner.Objective`, for a tuner.
        sought: `mtl_keras.tuning.objective.Objective`, the same with all that
            is measured beside it.
    """

    def __init__(
        self,
        build,
        tasks,
        space,
        recipe,
        compile_options,
        objective,
        references,
        directions,
    ):
        super().__init__()
        self._make = build
        self._tasks = tasks
        self._space = space
        self._recipe = recipe
        self._compile_options = compile_options
        self._path = references
        self._references = None
        self._seek(objective, self._metric_names(), tasks, directions)

    def declare_hyperparameters(self, hp) -> None:
        """Declares those of the space, active or not."""
        self._space.choose(hp, self._tasks, self._recipe)

    def build(self, hp):
        """Builds and compiles the model of a point.

        Args:
            hp: `keras_tuner.HyperParameters`.

        Returns:
            `MultiTaskModel`, compiled. Its weights depend on the recipe's
            seed and on the point only.
        """
        return self._compiled(self._new(hp), self._chosen(hp))

    def fit(
        self,
        hp,
        model,
        x=None,
        y=None,
        *,
        validation_data=None,
        callbacks=(),
        **options,
    ):
        """Trains the model of a point; a tuner's `search` passes its arguments.

        Args:
            hp: `keras_tuner.HyperParameters`.
            model: What `build` returned.
            x: As for `fit` of the model; or, where the batch size is searched
                and the data are a `tf.data.Dataset`, a function of the batch
                size that returns it.
            y: As for `fit` of the model.
            validation_data: As for `fit` of the model; needed.
            callbacks: Sequence of callbacks.
            **options: As for `fit` of the model: `epochs`, `verbose`, ...

        Returns:
            `keras.callbacks.History`, in which `"gain"` is a key where it is
            the objective.

        Raises:
            ValueError: If there are no validation data, or a dataset is
                batched while the batch size is searched.
        """
        if validation_data is None:
            raise keras_tuner.errors.FatalValueError(
                "A search compares models on validation data. Expected "
                "`validation_data`. Received: none"
            )
        size = self._chosen(hp).get("batch_size", self._recipe["batch_size"])
        is_hyperband = "tuner/epochs" in hp.values
        if self.sought.is_gain and is_hyperband and not self._recipe["epochs"]:
            raise keras_tuner.errors.FatalValueError(
                "Hyperband trains each trial for another number of epochs. "
                "Expected that of the single-task models: "
                "hypermodel(..., recipe={'epochs': 10}). Received: none"
            )
        return model.fit(
            **self._data(x, y, size),
            validation_data=validation_data,
            callbacks=self._with_gain(
                callbacks,
                lambda: self._single_tasks(x, y, validation_data, options),
            ),
            **options,
        )

    def _chosen(self, hp) -> dict:
        return self._space.choose(hp, self._tasks, self._recipe)

    def _new(self, hp):
        keras.utils.set_random_seed(self._recipe["seed"])
        model = self._make(hp)
        if not isinstance(model, MultiTaskModel) or model.compiled:
            raise keras_tuner.errors.FatalValueError(
                "`build` must return a MultiTaskModel that is not compiled. "
                f"Received: {type(model).__name__}"
                f"{', compiled' if getattr(model, 'compiled', False) else ''}"
            )
        if set(model.tasks) != set(self._tasks):
            raise keras_tuner.errors.FatalValueError(
                f"`build` must return a model of the tasks "
                f"{listed(sorted(self._tasks))}. Received: a model of "
                f"{listed(model.tasks)}"
            )
        return model

    def _compiled(self, model, settings):
        """Compiles with a recipe's fields; a task that is gone has none."""
        weights = settings.get("loss_weights", self._recipe["loss_weights"])
        options = settings.get("balancer", self._recipe["balancer"])
        if options:
            weights = balancing.get(weights, **options)
        arguments = {
            name: (
                {task: v for task, v in value.items() if task in model.tasks}
                if isinstance(value, dict)
                else value
            )
            for name, value in {
                **self._compile_options,
                "loss_weights": weights,
            }.items()
        }
        model.compile(
            optimizer=optimizers.from_recipe(
                settings["optimizer"], epochs=1, steps_per_epoch=1
            ),
            shared_dropout=settings.get(
                "shared_dropout", self._recipe["shared_dropout"]
            )
            or 0.0,
            **arguments,
        )
        return model

    def _metric_names(self) -> list[str]:
        # As the first trial does, which raises early for impossible values.
        hp = keras_tuner.HyperParameters()
        return self._compiled(self._new(hp), self._chosen(hp)).metrics_names

    def _single_tasks(self, x, y, validation_data, options) -> dict:
        """Measures each task alone, where that is not done."""
        epochs = self._recipe["epochs"] or options.get("epochs", 1)
        if self._references is None:
            made_by = {
                "tasks": sorted(self._tasks),
                "recipe": self._recipe,
                "epochs": epochs,
            }
            self._references = reference_figures.References(self._path, made_by)
        references, only = self._references, reference_figures.only
        for task in references.missing(self._tasks):
            whole = self._new(keras_tuner.HyperParameters())
            data = self._data(x, y, self._recipe["batch_size"])
            inputs = {}
            if not hasattr(data["x"], "element_spec"):
                # Inputs may be a dict or a tuple as well, and stay whole.
                inputs["x"] = data["x"]
            shared_options = {
                k: v for k, v in options.items() if k not in _NOT_ALONE
            }
            arguments = {
                key: only(task, value)
                for key, value in {**data, **shared_options}.items()
            }
            model = self._compiled(
                reference_figures.alone(whole, task), recipe_alone(self._recipe)
            )
            history = model.fit(
                **{**arguments, **inputs},
                validation_data=only(task, validation_data),
                epochs=epochs,
                verbose=0,
            ).history
            references.add(task, self._best_of(task, history))
        # Here, and not at each epoch: of which gains exist.
        objectives.defined(self.sought.counted, references.metrics)
        return references.metrics

    def _best_of(self, task, history) -> dict:
        return {
            key: _best(history[f"val_{key}"], measure)
            for key, measure in self.sought.counted.items()
            if measure.task == task
        }

    def _data(self, x, y, size) -> dict:
        if callable(x):
            return {"x": x(size), "y": y}
        if not hasattr(x, "element_spec"):
            return {"x": x, "y": y, "batch_size": size}
        if self._space.batch_size:
            raise keras_tuner.errors.FatalValueError(
                "The batch size is searched, and the data are batched already. "
                "Expected a function of the batch size that returns the "
                "dataset, or a Space with batch_size=(). Received: "
                f"x={type(x).__name__}"
            )
        return {"x": x, "y": y}


def _best(values, measure) -> float:
    """Chooses the best of the epochs that have a number; else NaN."""
    numbers = [value for value in values if not math.isnan(value)]
    choose = max if measure.is_higher_better else min
    return choose(numbers, default=math.nan)


def _checked_recipe(fields, compile_options) -> dict:
    fields = dict(fields or {})
    for name in fields:
        if name not in _FIELDS:
            raise ValueError(
                unknown("field of `recipe`", name, _FIELDS, fields)
            )
    for name in ("optimizer", "loss_weights", "shared_dropout"):
        if name in compile_options:
            raise ValueError(
                f"`{name}` is part of what is searched. Expected it in "
                f"`recipe`, as the start of the search. Received: "
                f"{name}={compile_options[name]!r}"
            )
    recipe = {**dict.fromkeys(_FIELDS), **_RECIPE, **fields}
    recipe["shared_dropout"] = recipe["shared_dropout"] or 0.0
    schedule = recipe["optimizer"].get("schedule", "constant")
    if schedule != "constant" or recipe["optimizer"].get("warmup_epochs"):
        raise ValueError(
            "The learning rate of `recipe` must be constant: the number of "
            "steps is not known before `fit`. Received: "
            f"optimizer={recipe['optimizer']!r}"
        )
    return recipe
