"""The dataset `scenes`: rendered rooms with classes, depth and normals."""

from zoo.datasets.scenes.builder import Builder

__all__ = ["Builder"]
