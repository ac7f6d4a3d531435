"""Optimizers: one for each part of a model, and as a recipe describes them."""

from mtl_keras.optimizers.per_part import PerPart, bind
from mtl_keras.optimizers.recipe import from_recipe, with_parts

__all__ = ["PerPart", "bind", "from_recipe", "with_parts"]
