"""The dataset `california_joint`: price and region of districts."""

from zoo.datasets.california_joint.builder import Builder

__all__ = ["Builder"]
