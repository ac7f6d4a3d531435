"""A data set of forty pictures."""

from tests.zoo.tiny_squares.builder import Builder

__all__ = ["Builder"]
