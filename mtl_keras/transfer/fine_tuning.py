"""Fine-tunes a transferred model, its trunk unfrozen in stages."""

import dataclasses

import keras

from mtl_keras import checks, graph
from mtl_keras.compat import nested_layers
from mtl_keras.messages import unknown
from mtl_keras.optimizers.per_part import PerPart


@dataclasses.dataclass(frozen=True)
class Stage:
    """Epochs in which the same layers are trained.

    Args:
        epochs: Integer of at least 1.
        layers: Integer, how many layers of the trunk are trained, counted
            from the heads; 0 for the heads alone. Defaults to `None`, all.
        learning_rate: Number above 0. Defaults to 1e-3.
        trunk_learning_rate: Number above 0, that of the trunk. Defaults to
            `None`, the same.

    Raises:
        ValueError: If a number is out of range.
    """

    epochs: int
    layers: int | None = None
    learning_rate: float = 1e-3
    trunk_learning_rate: float | None = None

    def __post_init__(self):
        checks.integer("epochs", self.epochs, low=1)
        if self.layers is not None:
            checks.integer("layers", self.layers, low=0)
        checks.number("learning_rate", self.learning_rate, above=0)
        if self.trunk_learning_rate is not None:
            checks.number(
                "trunk_learning_rate", self.trunk_learning_rate, above=0
            )


def unfreeze(model, layers: int | None = None) -> list[str]:
    """Trains the heads and the last layers of the trunk, and freezes the rest.

    Compile the model afterwards: Keras notes in `compile` what is trained.

    Args:
        model: Functional model, as for `graph.partition`. Its trunk is what
            its tasks share; in a model of one task all but the layers that
            are named after the task.
        layers: Integer, how many layers with weights of the trunk are
            trained, counted from the heads. Defaults to `None`, all.

    Returns:
        List of strings, the names of the trunk's layers that are trained, in
        the order they run.

    Raises:
        ValueError: If the model has no trunk, or fewer layers than that.
    """
    parts = graph.partition(model)
    trunk = _layers(graph.trunk_calls(parts))
    if not trunk:
        raise ValueError(
            f"The model {model.name!r} has no trunk: its tasks share no "
            "variables, or its one task has no layer named after it. Set "
            "`layer.trainable` of its layers. Received: a model with the "
            f"tasks {list(parts.tasks)}"
        )
    count = len(trunk)
    if layers is not None:
        count = checks.integer("layers", layers, low=0, high=len(trunk))
    trained = trunk[len(trunk) - count :]
    frozen = {id(layer) for layer in trunk[: len(trunk) - count]}
    # A frozen model hides the variables of its layers from the optimizer.
    for layer in [model, *nested_layers(model)]:
        if isinstance(layer, keras.Model) and not layer.trainable:
            layer.trainable = True
    heads = [
        layer
        for part in parts.heads.values()
        for layer in _layers(part.calls)
        if id(layer) not in frozen
    ]
    for layer in [*heads, *trained]:
        if not layer.trainable:
            _train(layer)
    for layer in trunk:
        if id(layer) in frozen:
            layer.trainable = False
    return [layer.name for layer in trained]


def fine_tune(
    model, *data, stages, optimizer="adam", compile_arguments=None, **fit
) -> list:
    """Trains a model in stages, each with more or other layers of the trunk.

    ```python
    mtl_keras.transfer.fine_tune(
        model,
        train,
        validation_data=validation,
        stages=[
            Stage(epochs=5, layers=0),
            Stage(epochs=5, layers=1, trunk_learning_rate=1e-4),
            Stage(epochs=10, trunk_learning_rate=1e-5),
        ],
    )
    ```

    Each stage compiles the model anew, with a new optimizer. Epochs are
    counted through all stages.

    Args:
        model: `MultiTaskModel`, such as one of `features` or one that
            `parameters` has filled.
        *data: `x`, or `x` and `y`, as for `fit`.
        stages: Sequence of `Stage`.
        optimizer: Name of an optimizer of Keras, or a function of
            `learning_rate` that returns one, such as `keras.optimizers.AdamW`
            or `functools.partial(keras.optimizers.SGD, momentum=0.9)`.
        compile_arguments: Dict, other arguments of `compile`. Defaults to
            `None`: those that the model was compiled with, if it was.
        **fit: Other arguments of `fit`, such as `validation_data`.

    Returns:
        List of `keras.callbacks.History`, one for each stage.

    Raises:
        ValueError: If `stages` is no sequence of `Stage`, the optimizer is
            unknown, or the model has no trunk or fewer layers than a stage
            names.
    """
    if (
        not isinstance(stages, list | tuple)
        or not stages
        or not all(isinstance(stage, Stage) for stage in stages)
    ):
        raise ValueError(
            "`stages` must be a sequence of mtl_keras.transfer.Stage, at "
            f"least one. Received: stages={stages!r}"
        )
    if not hasattr(model, "compile_arguments"):
        raise ValueError(
            "`fine_tune` trains a MultiTaskModel. "
            f"Received: {type(model).__name__}"
        )
    if not data and "x" not in fit:
        raise ValueError(
            "`fine_tune` expects the data as `fit` does: a data set, or inputs "
            "and labels. Received: no data"
        )
    for name in ("epochs", "initial_epoch"):
        if name in fit:
            raise ValueError(
                f"Each `Stage` has its own epochs. Received: {name}="
                f"{fit[name]!r}. Leave it out."
            )
    make = _maker(optimizer)
    if compile_arguments is None:
        compile_arguments = model.compile_arguments()
    options = {**compile_arguments}
    options.pop("optimizer", None)
    histories, first = [], 0
    for stage in stages:
        trained = unfreeze(model, stage.layers)
        chosen = make(learning_rate=stage.learning_rate)
        if trained and stage.trunk_learning_rate is not None:
            trunk = make(learning_rate=stage.trunk_learning_rate)
            chosen = PerPart({"trunk": trunk, "heads": chosen})
        model.compile(chosen, **options)
        last = first + stage.epochs
        history = model.fit(*data, initial_epoch=first, epochs=last, **fit)
        histories.append(history)
        first = last
    return histories


def _train(layer):
    layer.trainable = True
    for each in [layer, *nested_layers(layer)]:
        if getattr(each, "lora_enabled", False):
            # What LoRA adapts stays frozen beside it.
            for variable in each.weights:
                if variable.name in ("kernel", "embeddings"):
                    variable.trainable = False


def _layers(calls) -> list:
    """Lists the layers with weights of some calls, each at its last call."""
    layers = {}
    for call in calls:
        if call.weights:
            layers.pop(id(call.operation), None)
            layers[id(call.operation)] = call.operation
    return list(layers.values())


def _maker(optimizer):
    if isinstance(optimizer, str):
        classes = {
            key.lower(): each
            for key, each in vars(keras.optimizers).items()
            if isinstance(each, type)
        }
        if optimizer.lower() not in classes:
            raise ValueError(unknown("optimizer", optimizer, classes))
        return classes[optimizer.lower()]
    if isinstance(optimizer, keras.optimizers.Optimizer) or not callable(
        optimizer
    ):
        raise ValueError(
            "`optimizer` must be a name or a function of `learning_rate` that "
            "returns a new optimizer, one for each stage, such as "
            f"keras.optimizers.AdamW. Received: {optimizer!r}"
        )
    return optimizer
