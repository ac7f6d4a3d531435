"""Optimizers: one for each part, Adam for balanced gradients, recipes."""

from mtl_keras.optimizers.adaptive_adam import AdaptiveAdam
from mtl_keras.optimizers.per_part import PerPart, bind
from mtl_keras.optimizers.recipe import from_recipe, with_parts

__all__ = ["AdaptiveAdam", "PerPart", "bind", "from_recipe", "with_parts"]
