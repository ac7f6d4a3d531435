"""The dataset `support2_joint`: diagnosis, death and survival of patients."""

from zoo.datasets.support2_joint.builder import Builder

__all__ = ["Builder"]
