"""The dataset `fruit`: photographs with apples, bananas and oranges."""

from zoo.datasets.fruit.builder import Builder

__all__ = ["Builder"]
