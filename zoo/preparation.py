"""Makes what a recipe trains: the model and its data."""

import functools

import keras

from zoo import loading


def prepare(config, data_dir: str | None = None) -> tuple:
    """Makes what a recipe trains.

    Args:
        config: `ml_collections.ConfigDict`, the recipe: `model`, `seed`,
            `batch_size`, and where wanted `data`, `overrides` and `splits`, a
            dict from `"train"`, `"validation"` and `"test"` to a split of the
            data.
        data_dir: String, the folder of prepared data sets.

    Returns:
        Pair of the model and of a dict with `"train"`, a function from an
        epoch to its dataset, and the datasets `"validation"` and `"test"`.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    # The initial weights are drawn when the model is built.
    keras.utils.set_random_seed(config.seed)
    model = loading.load(
        config.model,
        config.get("data"),
        config.get("weights"),
        **(config.get("overrides") or {}),
    )
    return model, make_datasets(config, data_dir)


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
    )
    batches = functools.partial(
        source.batches, batch_size=config.batch_size, seed=config.seed
    )
    return {
        "train": lambda epoch: batches(
            splits["train"], epoch=epoch, training=True
        ),
        "validation": batches(splits["validation"], training=False),
        "test": batches(splits["test"], training=False),
    }
