"""Area under the precision-recall curve."""

import keras

from mtl_keras.metrics.area import Area


@keras.saving.register_keras_serializable(package="mtl_keras")
class PRAUC(Area):
    """Average precision over the whole split, by scikit-learn.

    With precision `P_n` and recall `R_n` among the `n` most probable examples:

        pr_auc = sum((R_n - R_(n-1)) * P_n)

    the area of a step function, which avoids the optimism of straight lines
    between the points (Davis and Goadrich, ICML 2006).

    Binary labels, several of them, and classes (each against the rest) are
    read and averaged as described in `Area`; a label or class without a
    positive in the split is left out of the mean.

    Args:
        name: String. Defaults to `"pr_auc"`.
    """

    def __init__(self, name: str = "pr_auc"):
        super().__init__(name)

    def area(self, positive, p, weight) -> float:
        """Computes the area of one binary problem."""
        from sklearn.metrics import average_precision_score

        return average_precision_score(positive, p, sample_weight=weight)
