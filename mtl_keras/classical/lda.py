"""Discriminant directions of several tasks as features that all share."""

from collections.abc import Mapping

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.classical import adapted
from mtl_keras.messages import listed


@keras.saving.register_keras_serializable(package="mtl_keras")
class LDA(adapted.Adapted):
    """The directions that separate the classes of each task best.

    Linear discriminant analysis by scikit-learn, of each classification task
    by itself; the directions of all tasks, one less than its classes each,
    stand side by side, so that the others can read them too.

    Args:
        num_components: Integer, what the tasks' directions sum up to, or
            `None`. Defaults to `None`.
        **kwargs: As for `keras.layers.Layer`.
    """

    def adapt(self, data, labels: Mapping[str, np.ndarray]) -> None:
        """Computes the directions.

        Args:
            data: Array of shape `(examples, size)`.
            labels: Dict, task name to class numbers of shape `(examples,)`;
                -1 or NaN where the label is missing.

        Raises:
            ValueError: If the data do not fit, or a task has fewer than two
                classes among its labels.
        """
        from sklearn import discriminant_analysis

        data = adapted.matrix(self.name, data)
        if not isinstance(labels, Mapping) or not labels:
            raise ValueError(
                f"{self.name!r} needs a dict of task name to class numbers. "
                f"Received: labels of type {type(labels).__name__}"
            )
        kernels = []
        for task in sorted(labels):
            numbers = checks.array(f"labels of {task}", labels[task])
            numbers = numbers.reshape(-1)
            if len(numbers) != len(data):
                raise ValueError(
                    f"The labels of {task!r} are not those of the data. "
                    f"Expected {len(data)}. Received: {len(numbers)}"
                )
            is_present = np.isfinite(numbers) & (numbers >= 0)
            if (numbers[is_present] % 1).any():
                raise ValueError(
                    f"The labels of {task!r} must be class numbers. Received: "
                    f"fractions such as {numbers[is_present][0]:g}"
                )
            classes, counts = np.unique(numbers[is_present], return_counts=True)
            if len(classes) < 2 or counts.sum() <= len(classes):
                raise ValueError(
                    f"Task {task!r} needs labels of two or more classes, and "
                    "more labels than classes. Received: the classes "
                    f"{listed(f'{c:g}' for c in classes)} in {counts.sum()} "
                    "labels"
                )
            if not np.ptp(data[is_present], axis=0).any():
                raise ValueError(
                    f"{self.name!r} is fitted to data that vary. Received: the "
                    f"same input for all examples with a label of {task!r}"
                )
            fitted = discriminant_analysis.LinearDiscriminantAnalysis().fit(
                data[is_present], numbers[is_present].astype("int64")
            )
            kernels.append(fitted.scalings_[:, : len(classes) - 1])
        # The tasks' own means differ, where labels are missing, by constants.
        self._assign(data.mean(axis=0), np.concatenate(kernels, axis=1))
