"""A data set of three hundred rows."""

from tests.zoo.tiny_table.builder import Builder

__all__ = ["Builder"]
