"""The dataset `ewt_joint`: English web sentences with six kinds of labels."""

from zoo.datasets.ewt_joint.builder import Builder
from zoo.datasets.ewt_joint.sentences import Sentences

__all__ = ["Builder", "Sentences"]
