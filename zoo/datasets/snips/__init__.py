"""The dataset `snips`: what people say to a voice assistant."""

from zoo.datasets.snips.builder import Builder

__all__ = ["Builder"]
