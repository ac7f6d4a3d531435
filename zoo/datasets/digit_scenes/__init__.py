"""The dataset `digit_scenes`: one handwritten digit among pieces of others."""

from zoo.datasets.digit_scenes.builder import Builder

__all__ = ["Builder"]
