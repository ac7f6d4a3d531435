"""Reads a recipe, and compiles a model as it says."""

from mtl_keras import balancing, optimizers
from mtl_keras.messages import did_you_mean, listed
from mtl_keras.training import stages

_NEEDED = ("model", "epochs", "batch_size", "seed", "optimizer")
# Steps of an epoch where their number is not known yet: parts of an epoch, such
# as those of a warm-up, keep their size.
_FINE = 1_000_000


def as_dict(config) -> dict:
    """Returns a recipe as a dict, and checks that it has all required fields.

    Args:
        config: Dict or `ml_collections.ConfigDict`.

    Returns:
        Dict.

    Raises:
        ValueError: If a field is missing, epochs or batch size is not a
            positive integer, the stages do not fit, or the optimizer cannot
            be made.
    """
    config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    missing = [key for key in _NEEDED if config.get(key) is None]
    if missing:
        raise ValueError(
            f"The config lacks {listed(missing)}. Received: a config with "
            f"{listed(sorted(config))}"
        )
    for key in ("epochs", "batch_size"):
        if not isinstance(config[key], int) or config[key] < 1:
            raise ValueError(
                f"`config.{key}` must be an integer of at least 1. "
                f"Received: {config[key]!r}"
            )
    for stage in stages.read(config):
        # Raises for impossible values before any data is prepared.
        optimizers.from_recipe(
            stage.optimizer, epochs=stage.epochs, steps_per_epoch=_FINE
        )
    return config


def steps_per_epoch(train) -> int | None:
    """Counts the batches of an epoch.

    Args:
        train: `tf.data.Dataset`, or a function from an epoch to one.

    Returns:
        Integer, or `None` where the dataset does not know it.

    Raises:
        ValueError: If there are no batches, or their number is unknown and
            `train` is a function.
    """
    dataset = train(0) if callable(train) else train
    steps = int(dataset.cardinality())
    if steps == 0:
        raise ValueError("The training split is empty.")
    if steps < 0 and callable(train):
        raise ValueError(
            "A training dataset given as a function of the epoch must know "
            "its number of batches. Received: an unknown or infinite "
            "cardinality. Set it with tf.data.experimental.assert_cardinality."
        )
    return steps if steps > 0 else None


def compile_model(model, config, steps: int | None, stage=None) -> None:
    """Compiles a model as a recipe says, and builds its optimizer.

    Args:
        model: `MultiTaskModel`.
        config: Dict or `ml_collections.ConfigDict`, as for
            `train_and_evaluate`.
        steps: Integer, the batches of an epoch, or `None`: not known.
        stage: `stages.Stage` of the recipe. Defaults to the first.

    Raises:
        ValueError: If a name or a value of the recipe is wrong.
    """
    stage = stage or stages.read(config)[0]
    _check_policy(model, config.get("dtype_policy"))
    if stage.trainable is not None:
        stages.adapt(model, stage.trainable)
    model.compile(
        optimizer=optimizers.from_recipe(
            stage.optimizer, epochs=stage.epochs, steps_per_epoch=steps or 1
        ),
        loss_weights=_loss_weights(config),
        jit_compile=config.get("jit_compile", "auto"),
        steps_per_execution=config.get("steps_per_execution", 1),
        shared_dropout=config.get("shared_dropout") or 0.0,
    )
    model.optimizer.build(model.trainable_variables)


def check_names(model, config) -> None:
    """Checks the tasks and the log that a recipe names, without any data.

    Args:
        model: `MultiTaskModel`, which is compiled anew.
        config: Dict or `ml_collections.ConfigDict`, as for
            `train_and_evaluate`.

    Raises:
        ValueError: If `loss_weights` or `monitor` names nothing of the model.
    """
    config = config.to_dict() if hasattr(config, "to_dict") else config
    model.compile("sgd", loss_weights=_loss_weights(config))
    logs = model.metrics_names
    check_monitor(
        config.get("monitor"), [*logs, *(f"val_{key}" for key in logs)]
    )


def check_monitor(monitor: str | None, keys) -> None:
    """Checks that the log which a recipe monitors exists.

    Args:
        monitor: String, the recipe's `monitor`, or `None`.
        keys: Iterable of strings, the keys of the logs.

    Raises:
        ValueError: If it is not one of these keys.
    """
    if monitor is not None and monitor not in keys:
        raise ValueError(
            f"`config.monitor` names {monitor!r}, which is not a key of the "
            f"logs: {listed(sorted(keys))}.{did_you_mean(monitor, keys)} "
            f"Received: monitor={monitor!r}"
        )


def _loss_weights(config):
    """Reads what `compile` takes as `loss_weights`."""
    weights = config.get("loss_weights")
    options = config.get("balancer") or {}
    if not hasattr(options, "items"):
        raise ValueError(
            "`config.balancer` must be a dict of hyperparameters. "
            f"Received: {options!r}. Write --config.balancer.NAME=VALUE."
        )
    options = dict(options)
    if options and not isinstance(weights, str):
        raise ValueError(
            "`balancer` holds the hyperparameters of the balancer that "
            f"`loss_weights` names. Received: balancer={options}, "
            f"loss_weights={weights}. Name one, such as "
            "--config.loss_weights=cagrad"
        )
    if options:
        return balancing.get(weights if weights else None, **options)
    return weights if weights else None


def _check_policy(model, name) -> None:
    """Refuses a policy that the model was not built with."""
    if name is None or model.dtype_policy.name == name:
        return
    raise ValueError(
        f"`config.dtype_policy` is {name!r}. Expected a model that was built "
        f"with keras.config.set_dtype_policy({name!r}). Received: a model of "
        f"{model.dtype_policy.name!r}"
    )
