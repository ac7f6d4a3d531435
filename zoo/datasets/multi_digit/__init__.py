"""The dataset `multi_digit`: two overlapping MNIST digits in one image."""

from zoo.datasets.multi_digit.builder import Builder

__all__ = ["Builder"]
