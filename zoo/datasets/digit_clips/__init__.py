"""The dataset `digit_clips`: one handwritten digit that moves."""

from zoo.datasets.digit_clips.builder import Builder

__all__ = ["Builder"]
