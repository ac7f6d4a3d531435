"""Builds the optimizer that a recipe describes."""

import keras

from mtl_keras.suggest import unknown

_SCHEDULES = ("constant", "cosine")
_OWN_FIELDS = {"name", "learning_rate", "schedule", "warmup_epochs"}


def from_recipe(recipe: dict, *, epochs: int, steps_per_epoch: int):
    """Builds an optimizer with its learning rate schedule.

    Args:
        recipe: Dict: `name` (an optimizer of Keras, `"adamw"`),
            `learning_rate` (the peak), `schedule` (`"constant"` or
            `"cosine"`, down to zero at the last step), `warmup_epochs`
            (number, linear from zero), and any argument of the optimizer
            (`weight_decay`, `clipnorm`, `use_ema`, ...); `None` leaves an
            argument at its default.
        epochs: Integer, epochs of the whole run.
        steps_per_epoch: Integer.

    Returns:
        `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If name, schedule or an argument is unknown, or a number
            is out of range.
    """
    recipe = dict(recipe)
    name = recipe.get("name", "adam")
    options = {
        key: value
        for key, value in recipe.items()
        if key not in _OWN_FIELDS and value is not None
    }
    rate = _learning_rate(recipe, epochs, steps_per_epoch)
    try:
        optimizer = type(keras.optimizers.get(name))
    except ValueError as error:
        names = [n for n in dir(keras.optimizers) if n[0].isupper()]
        raise ValueError(unknown("optimizer", name, names)) from error
    try:
        return optimizer(learning_rate=rate, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The optimizer {name!r} does not take what the recipe gives it: "
            f"{error}. Received: optimizer={recipe}"
        ) from error


def _learning_rate(recipe, epochs, steps_per_epoch):
    peak = recipe.get("learning_rate", 1e-3)
    if not isinstance(peak, int | float) or not peak > 0:
        raise ValueError(
            "`optimizer.learning_rate` must be a number above 0. "
            f"Received: {peak!r}"
        )
    schedule = recipe.get("schedule", "constant")
    if schedule not in _SCHEDULES:
        raise ValueError(unknown("schedule", schedule, _SCHEDULES))
    warmup = int(round(recipe.get("warmup_epochs", 0) * steps_per_epoch))
    total = epochs * steps_per_epoch
    if not 0 <= warmup < max(total, 1):
        raise ValueError(
            "`optimizer.warmup_epochs` must be at least 0 and less than "
            f"`epochs`. Received: warmup_epochs={recipe['warmup_epochs']}, "
            f"epochs={epochs}"
        )
    if schedule == "constant" and not warmup:
        return peak
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else peak,
        decay_steps=max(total - warmup, 1),
        # Down to this share of the peak: all of it is a constant rate.
        alpha=1.0 if schedule == "constant" else 0.0,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
    )
