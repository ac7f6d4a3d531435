"""The dataset `ewt_joint`: English web sentences with four kinds of labels."""

from zoo.datasets.ewt_joint.builder import Builder

__all__ = ["Builder"]
