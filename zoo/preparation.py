"""Makes what a recipe trains: the model and its data."""

import contextlib
import functools

import keras

from mtl_keras import training
from mtl_keras.messages import unknown
from zoo import loading

_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def prepare(config, data_dir: str | None = None) -> tuple:
    """Makes what a recipe trains.

    Args:
        config: `ml_collections.ConfigDict`, the recipe: `model`, `seed`,
            `batch_size`, and where wanted `data` with its `layout` and
            `columns`, `weights`, `classes`,
            `dtype_policy` (`"mixed_bfloat16"`, `"mixed_float16"` or
            `"float32"`), `overrides` and `splits`, a dict from `"train"`,
            `"validation"` and `"test"` to a split of the data.
        data_dir: String, the folder of prepared data sets.

    Returns:
        Pair of the model and of a dict with `"train"`, a function from an
        epoch to its dataset, the datasets `"validation"` and `"test"`, the
        last one where the data have such a split, and the string
        `"identity"`, which tells these data from others.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    # The initial weights are drawn when the model is built.
    keras.utils.set_random_seed(config.seed)
    model = load_model(config, data_dir)
    # Data may take long to download and prepare.
    training.check_names(model, config)
    return model, make_datasets(config, data_dir)


def load_model(config, data_dir: str | None = None, **overrides):
    """Makes a recipe's model.

    Args:
        config: As for `prepare`.
        data_dir: String, the folder of prepared data sets.
        **overrides: What differs from the recipe's overrides.

    Returns:
        `mtl_keras.MultiTaskModel`, not compiled.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    with _dtype_policy(config.get("dtype_policy")):
        return loading.load(
            config.model,
            config.get("data"),
            config.get("weights"),
            classes=_classes(config),
            data_dir=data_dir,
            layout=config.get("layout"),
            columns=_columns(config),
            **{**(config.get("overrides") or {}), **overrides},
        )


@contextlib.contextmanager
def _dtype_policy(name):
    """Sets the policy that layers are built with."""
    if name is None:
        yield
        return
    if name not in _POLICIES:
        raise ValueError(unknown("`config.dtype_policy`", name, _POLICIES))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _columns(config) -> dict | None:
    columns = config.get("columns")
    return dict(columns) if hasattr(columns, "items") else columns


def _classes(config) -> dict | None:
    classes = config.get("classes")
    return {task: list(classes[task]) for task in classes} if classes else None


def make_datasets(config, data_dir: str | None = None) -> dict:
    """Makes the data that a recipe trains on.

    Args:
        config: As for `prepare`.
        data_dir: String, the folder of prepared data sets.

    Returns:
        Dict, as of `prepare`.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    splits = {
        name: (config.get("splits") or {}).get(name, name)
        for name in ("train", "validation", "test")
    }
    source = open_source(config, data_dir)
    if splits["test"] == "test" and "test" not in source.splits:
        # A folder may have no test split.
        splits.pop("test")
    batches = functools.partial(
        source.batches, batch_size=config.batch_size, seed=config.seed
    )
    train = splits.pop("train")
    return {
        "identity": source.identity,
        "train": lambda epoch: batches(train, epoch=epoch, training=True),
        **{
            name: batches(split, training=False)
            for name, split in splits.items()
        },
    }


def open_source(config, data_dir: str | None = None):
    """Opens the data that a recipe trains on.

    Args:
        config: As for `prepare`.
        data_dir: String, the folder of prepared data sets.

    Returns:
        `zoo.prepared_data.Data`.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    return loading.open_data(
        config.model,
        config.get("data"),
        data_dir,
        overrides=config.get("overrides"),
        weights=config.get("weights"),
        classes=_classes(config),
        layout=config.get("layout"),
        columns=_columns(config),
    )
