"""Makes what a recipe trains: the model and its data."""

import functools

import keras

from zoo import loading


def prepare(config, data_dir: str | None = None) -> tuple:
    """Makes what a recipe trains.

    Args:
        config: `ml_collections.ConfigDict`, the recipe: `model`, `seed`,
            `batch_size`, and where wanted `data`, `weights`, `classes`,
            `overrides` and `splits`, a dict from `"train"`, `"validation"` and
            `"test"` to a split of the data.
        data_dir: String, the folder of prepared data sets.

    Returns:
        Pair of the model and of a dict with `"train"`, a function from an
        epoch to its dataset, and the datasets `"validation"` and `"test"`,
        the last one where the data have such a split.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    # The initial weights are drawn when the model is built.
    keras.utils.set_random_seed(config.seed)
    model = load_model(config, data_dir)
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
    return loading.load(
        config.model,
        config.get("data"),
        config.get("weights"),
        classes=_classes(config),
        data_dir=data_dir,
        **{**(config.get("overrides") or {}), **overrides},
    )


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
    source = loading.open_data(
        config.model,
        config.get("data"),
        data_dir,
        overrides=config.get("overrides"),
        weights=config.get("weights"),
        classes=_classes(config),
    )
    if splits["test"] == "test" and "test" not in source.splits:
        # A folder may have no test split.
        splits.pop("test")
    batches = functools.partial(
        source.batches, batch_size=config.batch_size, seed=config.seed
    )
    train = splits.pop("train")
    return {
        "train": lambda epoch: batches(train, epoch=epoch, training=True),
        **{
            name: batches(split, training=False)
            for name, split in splits.items()
        },
    }
