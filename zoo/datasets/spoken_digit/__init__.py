"""The dataset `spoken_digit_speaker`: a spoken digit, and who spoke it."""

from zoo.datasets.spoken_digit.builder import Builder

__all__ = ["Builder"]
