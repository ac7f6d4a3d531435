"""Whether an adult has a high income, and whether they have never married."""

from zoo.tables.entry import TableEntry


class IncomeStatus(TableEntry):
    """Whether an adult has a high income, and whether they have never married.

    With `sharing="esmm"` or `"aitm"` the tasks are ordered: the second one
    reads the first.
    """

    data = {"adult_joint": "zoo.datasets.adult_joint:Builder"}
    kinds = {"income": "presence", "never_married": "presence"}
    answers = {
        "income": "whether it is above 50,000 dollars a year, a probability",
        "never_married": "whether the person never married, a probability",
    }
    summary = (
        "Two tasks on one row of a census: whether the income is above 50,000 "
        "dollars (income), and whether the person has never married "
        "(never_married)."
    )
    num_quantiles = 200
    notes = (
        "The test split is the source's own; equal inputs are in one of the "
        "other two splits.",
        "Embedding the quantiles of each number raised the AUC of income from "
        "0.873 to 0.895, to that of gradient boosting; never_married stays "
        "0.003 below it.",
        "Sharing is level with single tasks, with half the parameters.",
        "The temperature of never_married, which raises the likelihood of the "
        "validation labels, raises the calibration error of the test split "
        "from 0.008 to 0.015; income keeps a temperature of 1.",
    )
