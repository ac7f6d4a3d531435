"""Training in stages: what is trained, and how fast, changes between them."""

import dataclasses

from mtl_keras import checks, graph
from mtl_keras.compat import nested_layers
from mtl_keras.messages import did_you_mean, listed, unknown

_MODES = ("all", "lora", "none")
_OPTIMIZER_FIELDS = (
    "learning_rate",
    "trunk_learning_rate",
    "schedule",
    "warmup_epochs",
)
_FIELDS = ("epochs", "trainable", *_OPTIMIZER_FIELDS)


@dataclasses.dataclass(frozen=True)
class Stage:
    """Epochs that are trained in the same way.

    Attributes:
        number: Integer from 0 up.
        first: Integer, the number of epochs before the stage.
        last: Integer, the number of epochs after it.
        trainable: `"all"`, `"lora"` or `"none"`, what is trained of the trunk;
            `None` leaves the model as it is.
        optimizer: Dict, the recipe of the stage's optimizer.
    """

    number: int
    first: int
    last: int
    trainable: str | None
    optimizer: dict

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return self.last - self.first


def read(config) -> tuple[Stage, ...]:
    """Reads the stages of a recipe.

    Args:
        config: Dict or `ml_collections.ConfigDict`, as for
            `train_and_evaluate`. `stages` is a sequence of dicts with
            `epochs`, `trainable` and what differs from the recipe's
            `optimizer`: `learning_rate`, `trunk_learning_rate`, `schedule` and
            `warmup_epochs`. The last stage may leave out `epochs`.

    Returns:
        Tuple of `Stage`; one stage where the recipe names none.

    Raises:
        ValueError: If a field is unknown or out of range, or the stages do
            not have as many epochs as the recipe.
    """
    optimizer, total = dict(config["optimizer"]), config["epochs"]
    received = config.get("stages")
    if received is None:
        return (Stage(0, 0, total, None, optimizer),)
    if (
        not isinstance(received, list | tuple)
        or not received
        or not all(hasattr(stage, "items") for stage in received)
    ):
        raise ValueError(
            "`config.stages` must be a sequence of dicts, such as "
            "[{'epochs': 2, 'trainable': 'none'}, {'trainable': 'all'}]. "
            f"Received: {received!r}"
        )
    stages, first = [], 0
    for number, fields in enumerate(received):
        is_last = number == len(received) - 1
        stage = _stage(number, dict(fields), first, total, is_last, optimizer)
        stages.append(stage)
        first = stage.last
    if first != total:
        raise ValueError(
            f"`config.epochs` is {total}, and the stages have {first} epochs. "
            f"Expected the same number. Set --config.epochs={first}, or leave "
            "out `epochs` of the last stage."
        )
    return tuple(stages)


def _stage(number, fields, first, total, is_last, optimizer) -> Stage:
    what = f"`config.stages[{number}]"
    for name in fields:
        if name not in _FIELDS:
            raise ValueError(
                f"{what}` has the unknown field {name!r}. Expected "
                f"{listed(_FIELDS)}.{did_you_mean(name, _FIELDS)} "
                f"Received: {fields}"
            )
    trainable = fields.pop("trainable", None)
    if trainable not in (None, *_MODES):
        raise ValueError(unknown(f"{what}.trainable`", trainable, _MODES))
    epochs = fields.pop("epochs", None)
    if epochs is None and is_last:
        epochs = total - first
        if epochs < 1:
            raise ValueError(
                f"`config.epochs` is {total}, and the stages before the last "
                f"have {first}. Expected an epoch for the last one. "
                f"Received: stage {number} without `epochs`"
            )
    checks.integer(f"config.stages[{number}].epochs", epochs, low=1)
    return Stage(
        number, first, first + epochs, trainable, {**optimizer, **fields}
    )


def refuse(config, what: str) -> None:
    """Raises where a recipe has stages, for what trains without them.

    Args:
        config: Dict or `ml_collections.ConfigDict`.
        what: String, what does not support them.

    Raises:
        ValueError: If the recipe has stages.
    """
    if config.get("stages") is not None:
        raise ValueError(
            f"{what} does not support `config.stages`. Expected a recipe "
            f"without them. Received: {config['stages']!r}"
        )


def adapt(model, trainable: str) -> None:
    """Changes what is trained of a model's trunk; compile it afterwards.

    A model may have an attribute `adapt` of its own, a function of
    `trainable`: those of `zoo.load` over a pretrained trunk do. In any other
    model the trunk is every layer whose variables are shared by several
    tasks. While a layer is frozen, batch normalization uses and keeps its
    stored statistics.

    Args:
        model: `MultiTaskModel`.
        trainable: `"all"`, `"lora"` or `"none"`.

    Raises:
        ValueError: If the model has no trunk, or `"lora"` is chosen for a
            model that does not have such adapters.
    """
    own = getattr(model, "adapt", None)
    if own is not None:
        own(trainable)
        return
    if trainable == "lora":
        raise ValueError(
            "LoRA in stages needs a pretrained trunk that was built with it. "
            "Expected --config.overrides.trainable=lora. Received: the stage "
            f"trainable='lora' for the model {model.name!r}"
        )
    shared = {id(v) for v in graph.partition(model).shared_variables}
    if not shared:
        raise ValueError(
            f"The tasks of {model.name!r} share no variables, so it has no "
            "trunk that a stage could freeze. Expected a model of several "
            f"tasks. Received: the tasks {listed(model.tasks)}"
        )
    for layer in nested_layers(model):
        if layer.variables and all(id(v) in shared for v in layer.variables):
            layer.trainable = trainable == "all"
