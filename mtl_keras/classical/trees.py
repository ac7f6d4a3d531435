"""Decision trees that all tasks share: one division of the inputs."""

from collections.abc import Mapping

import numpy as np

from mtl_keras import checks
from mtl_keras.messages import listed


class MultiTaskForest:
    """A tree, or a forest, whose leaves hold the labels of all tasks.

    scikit-learn's regression trees of several outputs: a division is chosen
    for all tasks at once, by the mean reduction of their variances. Labels are
    scaled to variance 1, so that each task has the same say.

    Args:
        num_trees: Integer of at least 1; 1 is a single tree on all examples.
            Defaults to 100.
        min_leaf: Integer of at least 1, the fewest examples of a leaf.
            Defaults to 5.
        max_depth: Integer of at least 1, or `None`: no limit.
        seed: Integer. Defaults to 0.
    """

    def __init__(
        self,
        num_trees: int = 100,
        *,
        min_leaf: int = 5,
        max_depth: int | None = None,
        seed: int = 0,
    ):
        self.num_trees = checks.integer("num_trees", num_trees, low=1)
        self.min_leaf = checks.integer("min_leaf", min_leaf, low=1)
        if max_depth is not None:
            checks.integer("max_depth", max_depth, low=1)
        self.max_depth = max_depth
        self.seed = checks.integer("seed", seed, low=0)
        self._model = None

    def fit(self, x, y: Mapping[str, np.ndarray]) -> "MultiTaskForest":
        """Grows the trees; returns itself.

        Args:
            x: Array of shape `(examples, size)`.
            y: Dict, task name to array of shape `(examples,)` or `(examples,
                targets)`. An example with NaN in any task is left out: a leaf
                needs the labels of all.

        Raises:
            ValueError: If the shapes do not fit, or no example has all labels.
        """
        from sklearn import ensemble, tree

        x = _inputs(x)
        if not isinstance(y, Mapping) or not y:
            raise ValueError(
                "Expected a dict of task name to labels. Received: "
                f"{type(y).__name__}"
            )
        columns = {}
        for name, labels in y.items():
            labels = checks.array(name, labels)
            if labels.ndim not in (1, 2) or len(labels) != len(x):
                raise ValueError(
                    f"Task {name!r}: expected labels of shape ({len(x)},) or "
                    f"({len(x)}, targets). Received: shape {labels.shape}"
                )
            columns[name] = labels.reshape(len(x), -1)
        whole = np.concatenate(list(columns.values()), axis=1)
        is_complete = np.isfinite(whole).all(axis=1)
        if not is_complete.any():
            raise ValueError(
                "A shared tree needs examples with labels of all tasks "
                f"{listed(columns)}. Received: none among {len(x)} examples"
            )
        x, whole = x[is_complete], whole[is_complete]
        self._mean = whole.mean(axis=0)
        spread = whole.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        options = {
            "min_samples_leaf": self.min_leaf,
            "max_depth": self.max_depth,
            "random_state": self.seed,
        }
        if self.num_trees == 1:
            model = tree.DecisionTreeRegressor(**options)
        else:
            model = ensemble.RandomForestRegressor(self.num_trees, **options)
        self._model = model.fit(x, (whole - self._mean) / self._spread)
        self._widths = {name: c.shape[1] for name, c in columns.items()}
        self._vectors = {n for n, labels in y.items() if np.ndim(labels) == 1}
        return self

    def predict(self, x) -> dict[str, np.ndarray]:
        """Predicts for all tasks.

        Args:
            x: Array of shape `(examples, size)`.

        Returns:
            Dict, task name to array of the labels' rank: the mean label of
            the leaf; of one-hot classes, their frequencies.

        Raises:
            ValueError: If the model is not fitted or the shape does not fit.
        """
        if self._model is None:
            raise ValueError("MultiTaskForest is not fitted. Call `fit` first.")
        x = _inputs(x)
        if x.shape[1] != self._model.n_features_in_:
            raise ValueError(
                "Expected inputs of shape (examples, "
                f"{self._model.n_features_in_}). Received: shape {x.shape}"
            )
        whole = self._model.predict(x).reshape(len(x), -1)
        whole = whole * self._spread + self._mean
        outputs, start = {}, 0
        for name, width in self._widths.items():
            part = whole[:, start : start + width]
            outputs[name] = part[:, 0] if name in self._vectors else part
            start += width
        return outputs


def _inputs(x) -> np.ndarray:
    x = checks.array("x", x)
    if x.ndim != 2 or not x.size:
        raise ValueError(
            "Expected inputs of shape (examples, size). Received: shape "
            f"{x.shape}"
        )
    if np.isinf(x).any():
        raise ValueError(
            "Expected inputs without infinite values; NaN marks a missing "
            "one. Received: infinite values"
        )
    return x
