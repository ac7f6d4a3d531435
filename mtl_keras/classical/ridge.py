"""Ridge regression of several data sets at once, in closed form.

The part that all tasks share beside a part of each task's own is Evgeniou and
Pontil, KDD 2004, https://doi.org/10.1145/1014052.1014067.
"""

import numpy as np

from mtl_keras import checks
from mtl_keras.classical import linear

# Beyond it a solution has no correct digit.
_MOST_CONDITION = 1e14


class MultiTaskRidge(linear.LinearTasks):
    """One linear map for all data sets, or one that each may leave a little.

    Minimises `sum_t alpha_t |y_t - x_t w|^2 + penalty * |w|^2` over `w`, with
    the task weights `alpha_t`:

        w = (sum_t alpha_t x_t' x_t + penalty I)^-1 sum_t alpha_t x_t' y_t

    With `own_penalty`, task t has the map `w + v_t`, and `own_penalty * sum_t
    |v_t|^2` is added: the tasks are pooled where it is large, and apart where
    `penalty` is large and it is small.

    Inputs are scaled to variance 1 over all data sets and centred, so that
    the intercept is not penalised. Shared intercepts are centred by the
    weighted mean: this is `StandardScaler` and `Ridge(penalty)` of
    scikit-learn on all rows with the sample weights `alpha_t`. With
    `own_penalty` each task has its own intercept.

    Args:
        penalty: Float of at least 0. Defaults to 1.
        task_weights: Dict, task name to a weight of at least 0; 1 where it is
            missing. One over the number of examples gives small data sets
            the same say. Defaults to `None`.
        own_penalty: Float above 0, or `None`: no part of a task's own.
        scale: Boolean, whether inputs are scaled. Defaults to `True`.
        intercept: Boolean. Defaults to `True`.
    """

    def __init__(
        self,
        penalty: float = 1.0,
        *,
        task_weights=None,
        own_penalty: float | None = None,
        scale: bool = True,
        intercept: bool = True,
    ):
        super().__init__()
        self.penalty = checks.number("penalty", penalty, low=0.0)
        self.own_penalty = (
            None
            if own_penalty is None
            else checks.number("own_penalty", own_penalty, above=0.0)
        )
        self.task_weights = task_weights
        self.scale = checks.boolean("scale", scale)
        self.intercept = checks.boolean("intercept", intercept)

    def fit(self, data) -> "MultiTaskRidge":
        """Solves for the maps; returns itself.

        Args:
            data: Dict, task name to `(x, y)`, arrays of shapes `(examples,
                size)` and `(examples,)` or `(examples, targets)`; rows with
                NaN in `y` are left out.

        Raises:
            ValueError: If the shapes do not fit or the Gram matrix is
                singular.
        """
        data = linear.read(data)
        targets = {name: part.y.shape[1] for name, part in data.items()}
        if len(set(targets.values())) > 1:
            raise ValueError(
                "One map for all tasks needs the same number of targets. "
                f"Received: {targets}"
            )
        alphas = linear.task_weights(self.task_weights, data)
        spread = linear.scales(
            [part.x for part in data.values()], is_scaled=self.scale
        )
        means = self._means(data, alphas)
        grams, crosses = [], []
        for name, part in data.items():
            x_mean, y_mean = means[name]
            x = (part.x - x_mean) / spread
            grams.append(alphas[name] * x.T @ x)
            crosses.append(alphas[name] * x.T @ (part.y - y_mean))
        solved = self._solve(np.stack(grams), np.stack(crosses))
        weights = {
            name: w / spread[:, None]
            for name, w in zip(data, solved, strict=True)
        }
        intercepts = {
            name: means[name][1] - means[name][0] @ weights[name]
            for name in data
        }
        self._keep(data, weights, intercepts)
        return self

    def _means(self, data, alphas) -> dict:
        if not self.intercept:
            return {
                name: (np.zeros(part.x.shape[1]), np.zeros(part.y.shape[1]))
                for name, part in data.items()
            }
        if self.own_penalty is not None:
            return {n: (p.x.mean(0), p.y.mean(0)) for n, p in data.items()}
        total = sum(alphas[n] * len(p.x) for n, p in data.items())
        x = sum(alphas[n] * p.x.sum(0) for n, p in data.items()) / total
        y = sum(alphas[n] * p.y.sum(0) for n, p in data.items()) / total
        return dict.fromkeys(data, (x, y))

    def _solve(self, grams, crosses) -> list[np.ndarray]:
        count, size = grams.shape[:2]
        identity = np.eye(size)
        shared = grams.sum(0) + self.penalty * identity
        if self.own_penalty is None:
            return [_solved(shared, crosses.sum(0), self.penalty)] * count
        # The shared map and each task's own, in one system.
        rows = [np.concatenate([shared, *grams], axis=1)]
        for t, gram in enumerate(grams):
            row = [gram, *[np.zeros((size, size))] * count]
            row[t + 1] = gram + self.own_penalty * identity
            rows.append(np.concatenate(row, axis=1))
        whole = _solved(
            np.concatenate(rows),
            np.concatenate([crosses.sum(0), *crosses]),
            self.penalty,
        )
        parts = whole.reshape(count + 1, size, -1)
        return [parts[0] + own for own in parts[1:]]


def _solved(gram, cross, penalty):
    if np.linalg.cond(gram) > _MOST_CONDITION:
        raise ValueError(
            "The Gram matrix is singular: input columns depend on each other, "
            f"or there are fewer examples than columns ({len(gram)}). "
            f"Received: penalty={penalty:g}. Increase `penalty`."
        )
    return np.linalg.solve(gram, cross)
