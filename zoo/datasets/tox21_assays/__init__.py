"""The dataset `tox21_assays`: twelve assays of the toxicity of molecules."""

from zoo.datasets.tox21_assays.builder import (
    Builder,
    ScaffoldDivision,
    SecondDivision,
    ThirdDivision,
)

__all__ = [
    "Builder",
    "ScaffoldDivision",
    "SecondDivision",
    "ThirdDivision",
]
