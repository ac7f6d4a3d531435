"""The median price of houses in a district, and the district's region."""

from mtl_keras import Task
from zoo.datasets.california_joint.builder import REGIONS
from zoo.tables.entry import TableEntry


class PriceRegion(TableEntry):
    """The median price of houses in a district, and the district's region.

    `depth=0` is a linear model of both tasks.
    """

    data = {"california_joint": "zoo.datasets.california_joint:Builder"}
    kinds = {"price": "regression", "region": "classification"}
    classes = {"california_joint": {"region": REGIONS}}
    notes = (
        "Districts at one place are in one split.",
        "R2 0.824 +- 0.006 over three seeds; ridge, one a task, gets 0.638 "
        "and gradient boosting 0.833 on the same split.",
        "Over three seeds sharing gains 0.5 to 0.6% over single tasks with "
        "half the parameters, less than the spread; no balancer stands out.",
    )
    answers = {"price": "the median price of a house in 100,000 dollars"}
    summary = (
        "Two tasks on one district of a census: the median price of a house, "
        "in 100,000 dollars (price), and how far the ocean is (region)."
    )

    def task(self, name: str, spec) -> Task:
        """Makes one task; prices are scored by R2 too.

        Args:
            name: String, one of `spec.tasks`.
            spec: `zoo.Spec`.

        Returns:
            `Task`.
        """
        if name != "price":
            return super().task(name, spec)
        return Task(name, self.kinds[name], metrics=("mae", "rmse", "r2"))
