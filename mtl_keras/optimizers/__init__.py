"""Optimizers as a recipe describes them."""

from mtl_keras.optimizers.recipe import from_recipe

__all__ = ["from_recipe"]
