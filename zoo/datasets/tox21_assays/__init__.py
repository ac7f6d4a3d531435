"""The dataset `tox21_assays`: twelve assays of the toxicity of molecules."""

from zoo.datasets.tox21_assays.builder import (
    Builder,
    SecondDivision,
    ThirdDivision,
)

__all__ = ["Builder", "SecondDivision", "ThirdDivision"]
