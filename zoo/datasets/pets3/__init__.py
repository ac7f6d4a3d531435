"""The dataset `pets3`: photographs of three breeds of cats and dogs."""

from zoo.datasets.pets3.builder import Builder

__all__ = ["Builder"]
