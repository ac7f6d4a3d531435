"""The dataset `adult_joint`: income and marital status of adults."""

from zoo.datasets.adult_joint.builder import Builder

__all__ = ["Builder"]
