"""Any model of the zoo as a KerasTuner HyperModel."""

import copy

import keras
import keras_tuner
from ml_collections import ConfigDict

from mtl_keras import data as mtl_data
from mtl_keras import graph
from mtl_keras.training import class_weights, recipe, stages
from mtl_keras.tuning import objective as objectives
from mtl_keras.tuning import space as spaces
from mtl_keras.tuning.searched import Searched
from zoo import preparation, recipe_file, registry, single_tasks

# Any number: a schedule cannot be checked without one.
_SOME_STEPS = 1000


def hypermodel(
    name: str,
    space: str = "small",
    *,
    objective: str = objectives.GAIN,
    config=None,
    workdir=None,
    data_dir=None,
    higher=(),
    lower=(),
) -> "ZooHyperModel":
    """Makes a model of the zoo searchable.

    ```python
    model = zoo.hypermodel("cls_det_box", objective="box_iou")
    tuner = keras_tuner.RandomSearch(
        model, objective=model.objective, max_trials=20, seed=1
    )
    tuner.search()
    config = model.config(tuner.get_best_hyperparameters()[0])
    ```

    `python -m tools.tune` does this and more: it resumes after a kill, and
    writes a table, plots and the best recipe.

    Args:
        name: String, a name of `zoo.list_models()`.
        space: String: `"small"`, few dimensions around the recipe, or
            `"full"`: also the trunk, its width and depth and whatever the
            entry declares, learning rates of the trunk and of the heads,
            weight decay, batch size and dropout.
        objective: String: `"gain"`, the mean gain over single-task models in
            percent, or a task's metric on the validation split, such as
            `"box_iou"`.
        config: `ml_collections.ConfigDict`, the recipe to start from.
            Defaults to the zoo's.
        workdir: Folder where the single-task models are trained and their
            metrics kept; needed by `fit` for `"gain"`.
        data_dir: Folder of prepared data sets. Defaults to that of TensorFlow
            Datasets.
        higher: Names of metrics of your own of which more is better.
        lower: Names of metrics of your own of which less is better.

    Returns:
        `ZooHyperModel`.

    Raises:
        ValueError: If there is no such model, space or objective, or the
            recipe is of another model.
    """
    objectives.refuse_sum(objective)
    registered = registry.find(name)
    if config is None:
        config = recipe_file.read(registry.recipe(name), [])
    if config.model != name:
        raise ValueError(
            f"The recipe is for {config.model!r}. Expected one for {name!r}. "
            f"Received: config.model={config.model!r}"
        )
    return ZooHyperModel(
        registered,
        space,
        config,
        objective,
        workdir,
        data_dir,
        {"higher": tuple(higher), "lower": tuple(lower)},
    )


class ZooHyperModel(Searched):
    """What `zoo.hypermodel` returns.

    Attributes:
        objective: `keras_tuner.Objective`, for a tuner.
        sought: `mtl_keras.tuning.objective.Objective`, the same with all that
            is measured beside it.
        recipe: `ConfigDict`, the recipe that the search starts from.
    """

    def __init__(
        self,
        registered,
        space,
        config,
        objective,
        workdir,
        data_dir,
        directions,
    ):
        super().__init__(registered.name)
        self.recipe = config
        self._registered, self._level = registered, space
        self._workdir, self._data_dir = workdir, data_dir
        self._space = _common(registered, space, config)
        tasks = self._tasks_of_recipe()
        self._tasks = sorted(task.name for task in tasks)
        keys = [
            f"{task.name}_{metric.name}"
            for task in tasks
            for metric in task.default_metrics()
        ]
        self._seek(objective, keys, self._tasks, directions)
        if self.sought.is_gain:
            single_tasks.check(config, self._tasks)
        # Raises early for what the entry declares wrongly.
        self.declare_hyperparameters(keras_tuner.HyperParameters())

    def declare_hyperparameters(self, hp) -> None:
        """Declares all that is searched, active or not."""
        self.config(hp)

    def config(self, hp) -> ConfigDict:
        """Writes the recipe of a point.

        Args:
            hp: `keras_tuner.HyperParameters`.

        Returns:
            `ml_collections.ConfigDict`, as `tools.train --config` takes it.
        """
        config = copy.deepcopy(self.recipe)
        plain = self.recipe.to_dict()
        overrides = dict(plain.get("overrides") or {})
        overrides |= spaces.short(self._own(hp, overrides))
        chosen = self._space.choose(hp, self._tasks, plain)
        with config.unlocked(), config.ignore_type():
            config.overrides = ConfigDict(overrides)
            for field, value in chosen.items():
                config[field] = (
                    ConfigDict(value) if isinstance(value, dict) else value
                )
        return config

    def check(self) -> None:
        """Compiles the recipe itself, before any data is touched.

        Raises:
            ValueError: If the recipe cannot be trained.
        """
        hp = keras_tuner.HyperParameters()
        config = recipe.as_dict(self.config(hp))
        recipe.compile_model(self.build(hp), config, _SOME_STEPS)

    def build(self, hp):
        """Builds the model of a point; `fit` compiles it.

        The schedule of the learning rate needs the number of steps, which the
        data tell.

        Args:
            hp: `keras_tuner.HyperParameters`.

        Returns:
            `MultiTaskModel`, not compiled.
        """
        config = self.config(hp)
        keras.utils.set_random_seed(config.seed)
        return preparation.load_model(config, self._data_dir)

    def fit(
        self,
        hp,
        model,
        *,
        epochs=None,
        initial_epoch=0,
        callbacks=(),
        verbose=0,
    ):
        """Trains the model of a point on the recipe's own data.

        Args:
            hp: `keras_tuner.HyperParameters`.
            model: What `build` returned.
            epochs: Integer. Defaults to the recipe's.
            initial_epoch: Integer.
            callbacks: Sequence of callbacks.
            verbose: As for `fit` of the model.

        Returns:
            `keras.callbacks.History`, in which `"gain"` is a key where it is
            the objective.

        Raises:
            ValueError: If the gain is sought and there is no folder for the
                single-task models, or the recipe has stages, which
                `tools.tune` supports.
        """
        config = self.config(hp)
        stages.refuse(config, "`fit` of zoo.hypermodel")
        if self.sought.is_gain and self._workdir is None:
            raise keras_tuner.errors.FatalValueError(
                "The gain is over single-task models, which are trained "
                "first. Expected a folder for them: "
                f"zoo.hypermodel({self.name!r}, workdir='runs/search'). "
                "Received: workdir=None"
            )
        callbacks = self._with_gain(
            callbacks,
            lambda: single_tasks.measure(
                self.recipe, self.sought, self._workdir, self._data_dir
            ),
        )
        datasets = preparation.make_datasets(config, self._data_dir)
        steps = recipe.steps_per_epoch(datasets["train"])
        recipe.compile_model(model, config.to_dict(), steps)
        last = epochs or config.epochs
        return model.fit(
            mtl_data.epochs(datasets["train"], initial_epoch, last),
            validation_data=datasets["validation"],
            initial_epoch=initial_epoch,
            epochs=last,
            steps_per_epoch=steps,
            class_weight=class_weights.resolve(
                config.get("class_weight"), model.tasks, datasets["train"]
            ),
            callbacks=callbacks,
            verbose=verbose,
        )

    def _tasks_of_recipe(self) -> tuple:
        return tuple(preparation.load_model(self.recipe).tasks.values())

    def _own(self, hp, overrides: dict) -> dict:
        """Lets the entry choose what it searches beside the common part."""
        entry = self._registered.entry
        return entry.search(hp, self._level, {**entry.overrides(), **overrides})


def _common(registered, level, config):
    """Chooses what is searched for every model, as far as it applies."""
    if level != "full":
        return spaces.named(level)
    model = preparation.load_model(config)
    parts = graph.partition(model)
    heads = [head for head in parts.heads.values() if head.trainable_variables]
    has_parts = bool(parts.trunk.trainable_variables and heads)
    changes = {"is_per_part": has_parts}
    if "dropout" in registered.entry.overrides() or not (
        has_parts and parts.live
    ):
        # The entry drops features itself, or tasks share no features.
        changes["shared_dropout"] = 0.0
    return spaces.named(level, **changes)
