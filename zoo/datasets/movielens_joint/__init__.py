"""The dataset `movielens_joint`: what users think of films."""

from zoo.datasets.movielens_joint.builder import Builder

__all__ = ["Builder"]
