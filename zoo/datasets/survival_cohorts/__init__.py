"""The dataset `survival_cohorts`: survival in four studies of patients."""

from zoo.datasets.survival_cohorts.builder import Builder

__all__ = ["Builder"]
