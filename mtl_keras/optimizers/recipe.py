"""Builds the optimizer that a recipe describes."""

import keras

from mtl_keras import checks
from mtl_keras.messages import unknown
from mtl_keras.optimizers.adaptive_adam import AdaptiveAdam
from mtl_keras.optimizers.per_part import PerPart

_SCHEDULES = ("constant", "cosine")
_NOT_FOR_RECIPES = {
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Optimizer",
    "OptimizerMap",
}
_CLIPS = {"clipnorm", "clipvalue", "global_clipnorm"}
_OWN_FIELDS = {"name", "learning_rate", "schedule", "warmup_epochs"}


def from_recipe(recipe: dict, *, epochs: int, steps_per_epoch: int):
    """Builds an optimizer with its learning rate schedule.

    Args:
        recipe: Dict: `name` (an optimizer of Keras, `"adamw"`, or
            `"adaptiveadam"`), `learning_rate` (the peak), `schedule`
            (`"constant"` or `"cosine"`, down to zero at the last step),
            `warmup_epochs` (number, linear from zero), and any argument of the
            optimizer (`weight_decay`, `clipnorm`, `use_ema`, ...); `None`
            leaves an argument at its default. `parts`, where the trunk and the
            heads have optimizers of their own: a dict of part (as for
            `PerPart`) to such a recipe; what stands beside `parts` holds for
            each part that does not say otherwise. `trunk_learning_rate` is
            short for parts `"trunk"`, with this peak, and `"heads"`.
        epochs: Integer, epochs of the whole run.
        steps_per_epoch: Integer.

    Returns:
        `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If name, schedule or an argument is unknown, or a number
            is out of range.
    """
    recipe = with_parts(recipe)
    if (parts := recipe.pop("parts", None)) is not None:
        return _per_part(parts, recipe, epochs, steps_per_epoch)
    name = recipe.get("name", "adam")
    options = {
        key: value
        for key, value in recipe.items()
        if key not in _OWN_FIELDS and value is not None
    }
    for key in _CLIPS & options.keys():
        checks.number(f"optimizer.{key}", options[key], above=0)
    if "weight_decay" in options:
        checks.number("optimizer.weight_decay", options["weight_decay"], low=0)
    rate = _learning_rate(recipe, epochs, steps_per_epoch)
    classes = {
        key.lower(): value
        for key, value in vars(keras.optimizers).items()
        if isinstance(value, type) and key not in _NOT_FOR_RECIPES
    }
    classes["adaptiveadam"] = AdaptiveAdam
    if not isinstance(name, str) or name.lower() not in classes:
        raise ValueError(unknown("optimizer", name, classes))
    optimizer = classes[name.lower()]
    try:
        return optimizer(learning_rate=rate, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The optimizer {name!r} does not take what the recipe gives it: "
            f"{error}. Received: optimizer={recipe}"
        ) from error


def with_parts(recipe) -> dict:
    """Writes `trunk_learning_rate` out as parts.

    Args:
        recipe: Dict, as for `from_recipe`.

    Returns:
        Dict without `trunk_learning_rate`.

    Raises:
        ValueError: If the recipe has parts too, or it is out of range.
    """
    recipe = dict(recipe)
    rate = recipe.pop("trunk_learning_rate", None)
    if rate is None:
        return recipe
    if recipe.get("parts") is not None:
        raise ValueError(
            "`optimizer.trunk_learning_rate` is short for `optimizer.parts`. "
            f"Expected one of them. Received: trunk_learning_rate={rate!r}, "
            f"parts={recipe['parts']!r}"
        )
    checks.number("optimizer.trunk_learning_rate", rate, above=0)
    return {**recipe, "parts": {"trunk": {"learning_rate": rate}, "heads": {}}}


def _per_part(parts, common, epochs, steps_per_epoch):
    if not hasattr(parts, "items") or not all(
        hasattr(part, "items") for part in parts.values()
    ):
        raise ValueError(
            "`optimizer.parts` must be a dict of part to recipe, such as "
            "{'trunk': {'learning_rate': 1e-4}, 'heads': {}}. "
            f"Received: {parts!r}"
        )
    made = {}
    for name, recipe in parts.items():
        recipe = {**common, **recipe}
        if "parts" in recipe:
            raise ValueError(
                f"`optimizer.parts.{name}` holds 'parts' again; a part has "
                f"one optimizer. Received: {recipe!r}"
            )
        made[name] = from_recipe(
            recipe, epochs=epochs, steps_per_epoch=steps_per_epoch
        )
    return PerPart(made)


def _learning_rate(recipe, epochs, steps_per_epoch):
    peak = checks.number(
        "optimizer.learning_rate", recipe.get("learning_rate", 1e-3), above=0
    )
    schedule = recipe.get("schedule", "constant")
    if schedule not in _SCHEDULES:
        raise ValueError(unknown("schedule", schedule, _SCHEDULES))
    warmup_epochs = checks.number(
        "optimizer.warmup_epochs", recipe.get("warmup_epochs", 0), low=0
    )
    if warmup_epochs >= epochs:
        raise ValueError(
            "`optimizer.warmup_epochs` must be less than `epochs`. Received: "
            f"warmup_epochs={warmup_epochs}, epochs={epochs}. Set "
            f"a smaller one, such as {epochs / 10}"
        )
    total = epochs * steps_per_epoch
    # Rounded, it might fill an epoch of few steps.
    warmup = min(int(round(warmup_epochs * steps_per_epoch)), total - 1)
    if schedule == "constant" and not warmup:
        return peak
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else peak,
        decay_steps=max(total - warmup, 1),
        # Down to this fraction of the peak: all of it is a constant rate.
        alpha=1.0 if schedule == "constant" else 0.0,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
    )
