"""F1: harmonic mean of precision and recall."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.messages import unknown

_AVERAGES = ("macro", "micro")


@keras.saving.register_keras_serializable(package="mtl_keras")
class F1(keras.metrics.Metric):
    """F1 over all labels seen, from counts.

        f1 = 2 * true_positives / (labelled + predicted)

    where `labelled` and `predicted` count the positives among the labels and
    among the predictions. Without `num_classes` labels are binary, predicted
    positive where `prediction > threshold`, and several labels of an example
    are counted together. With it, the most probable class is predicted;
    "macro" is the mean of the F1 of each class that occurs in labels or
    predictions, "micro" sums the counts of all classes. These are
    scikit-learn's definitions: 0 if there are labels but no positives. NaN if
    no label was seen. Counts are exact up to 2**24 labels.

    Args:
        num_classes: Integer, at least 2, or `None` for binary labels.
        average: `"macro"` or `"micro"`. Defaults to `"macro"`.
        threshold: Float, for binary labels. Defaults to 0.5, for probabilities;
            use 0 for logits.
        name: String. Defaults to `"f1"`.
        dtype: Accepted for Keras compatibility; counts are float32.

    Attributes:
        num_columns: Integer, where F1 of binary labels is kept for each column
            of a group of tasks, a vector; see `mtl_keras.groups.metrics`.

    Raises:
        ValueError: If an argument is out of range.
    """

    num_columns: int | None = None

    def __init__(
        self,
        num_classes: int | None = None,
        average: str = "macro",
        threshold: float = 0.5,
        name: str = "f1",
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        if average not in _AVERAGES:
            raise ValueError(unknown("average of F1", average, _AVERAGES))
        if num_classes is not None:
            num_classes = checks.integer("num_classes", num_classes, low=2)
        self.num_classes = num_classes
        self.average = average
        self.threshold = checks.number("threshold", threshold)
        size = (self.num_columns or self.num_classes or 1,)
        self.true_positives = self._counts(size, "true_positives")
        self.labelled = self._counts(size, "labelled")
        self.predicted = self._counts(size, "predicted")
        of_columns = () if self.num_columns is None else size
        self.count = self._counts(of_columns, "count")

    def _counts(self, shape, name):
        return self.add_variable(shape, "zeros", "float32", name=name)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of probabilities or logits.
            sample_weight: Tensor, one for each label or example; 0 leaves a
                label out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        if self.num_classes is None:
            label, p = self._checked_pair(y_true, y_pred)
            weight = shapes.metric_weights(self.name, sample_weight, p)
            label = (ops.cast(label, "float32") > 0.5)[..., None]
            predicted = (p > self.threshold)[..., None]
        else:
            self._check_classes(y_true, y_pred)
            numbers = shapes.class_numbers(self.name, y_true, y_pred)
            weight = shapes.metric_weights(self.name, sample_weight, numbers)
            label = ops.one_hot(numbers, self.num_classes)
            predicted = ops.one_hot(
                ops.argmax(y_pred, axis=-1), self.num_classes
            )
        label = ops.cast(label, "float32")
        predicted = ops.cast(predicted, "float32")
        self.true_positives.assign_add(self._sum(label * predicted, weight))
        self.labelled.assign_add(self._sum(label, weight))
        self.predicted.assign_add(self._sum(predicted, weight))
        self.count.assign_add(shapes.column_sum(weight, self.num_columns))

    def _sum(self, positives, weight):
        if self.num_columns is not None:
            return shapes.column_sum(
                positives[..., 0] * weight, self.num_columns
            )
        weighted = positives * ops.expand_dims(weight, axis=-1)
        return ops.sum(weighted, axis=tuple(range(len(weight.shape))))

    def _checked_pair(self, y_true, y_pred):
        if not shapes.is_binary(y_true, y_pred):
            raise ValueError(
                f"Metric {self.name!r} expects predictions of binary labels. "
                f"{shapes.received(y_true, y_pred)}. For classes use "
                f"{type(self).__name__}(num_classes={y_pred.shape[-1]})."
            )
        return shapes.paired(self.name, y_true, y_pred)

    def _check_classes(self, y_true, y_pred):
        if y_pred.shape[-1] != self.num_classes:
            raise ValueError(
                f"Metric {self.name!r} expects predictions over "
                f"{self.num_classes} classes. "
                f"{shapes.received(y_true, y_pred)}"
            )

    def ratio(self, true_positives, positives):
        """Computes the metric from counts; 0 where there are no positives.

        Args:
            true_positives: float32 tensor.
            positives: float32 tensor of the same shape, the positives among
                the labels plus those among the predictions.

        Returns:
            float32 tensor of the same shape.
        """
        return ops.divide_no_nan(2.0 * true_positives, positives)

    def result(self):
        """Returns the metric so far, NaN if no label was seen."""
        hits = ops.convert_to_tensor(self.true_positives)
        positives = ops.add(self.labelled, self.predicted)
        if self.num_columns is not None:
            value = self.ratio(hits, positives)
        elif self.num_classes is not None and self.average == "macro":
            occurs = ops.cast(positives > 0, "float32")
            by_class = self.ratio(hits, positives)
            value = ops.divide_no_nan(ops.sum(by_class), ops.sum(occurs))
        else:
            value = self.ratio(ops.sum(hits), ops.sum(positives))
        return ops.where(
            ops.convert_to_tensor(self.count) > 0, value, float("nan")
        )

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "average": self.average,
            "threshold": self.threshold,
        }
