"""Area under the ROC curve."""

import keras

from mtl_keras.metrics.area import Area


@keras.saving.register_keras_serializable(package="mtl_keras")
class AUC(Area):
    """Area under the ROC curve over the whole split, by scikit-learn.

    The probability that a positive example is ranked above a negative one
    (Hanley and McNeil, Radiology 143, 1982); exact, where Keras's streaming
    `AUC` interpolates between thresholds.

    Binary labels, several of them, and classes (each against the rest) are
    read and averaged as described in `Area`; a label or class of which the
    split holds positives only or negatives only is left out of the mean.

    Args:
        name: String. Defaults to `"auc"`.
    """

    def __init__(self, name: str = "auc"):
        super().__init__(name)

    def is_defined(self, positive) -> bool:
        """Checks that there are positives and negatives."""
        return bool(positive.any() and not positive.all())

    def area(self, positive, p, weight) -> float:
        """Computes the area of one binary problem."""
        from sklearn.metrics import roc_auc_score

        return roc_auc_score(positive, p, sample_weight=weight)
