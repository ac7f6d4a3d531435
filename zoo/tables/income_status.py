"""Whether an adult has a high income, and whether they have never married."""

from zoo.tables.entry import TableEntry


class IncomeStatus(TableEntry):
    """Whether an adult has a high income, and whether they have never married.

    With `sharing="esmm"` or `"aitm"` the tasks are ordered: the second one
    reads the first.
    """

    data = {"adult_joint": "zoo.datasets.adult_joint:Builder"}
    kinds = {"income": "presence", "never_married": "presence"}
    summary = (
        "Two tasks on one row of a census: whether the income is above 50,000 "
        "dollars (income), and whether the person has never married "
        "(never_married)."
    )
    num_quantiles = 200
