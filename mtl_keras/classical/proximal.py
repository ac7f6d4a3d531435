"""Accelerated proximal gradient descent for linear models of several tasks.

FISTA, Beck and Teboulle, SIAM J. Imaging Sciences 2, 2009, restarted where
the momentum points uphill (O'Donoghue and Candes, 2015).
"""

import warnings

import numpy as np

from mtl_keras import checks
from mtl_keras.classical import linear


class PenalizedTasks(linear.LinearTasks):
    """Squared errors of each task, and a penalty of the matrix of all maps.

    Minimises `sum_t |y_t - x_t w_t|^2 / (2 n_t) + alpha * penalty(W)` with
    the columns `w_t` of W. A task with several targets has several columns.

    Args:
        alpha: Float of at least 0, the strength. Defaults to 0.1.
        scale: Boolean, whether the input columns (over all tasks) and each
            target are scaled to variance 1 first, so that the units do not
            matter. Defaults to `True`.
        tolerance: Float above 0, the largest relative step at the end.
        max_steps: Integer of at least 1.
    """

    def __init__(
        self,
        alpha: float = 0.1,
        *,
        scale: bool = True,
        tolerance: float = 1e-8,
        max_steps: int = 10_000,
    ):
        super().__init__()
        self.alpha = checks.number("alpha", alpha, low=0.0)
        self.scale = checks.boolean("scale", scale)
        self.tolerance = checks.number("tolerance", tolerance, above=0.0)
        self.max_steps = checks.integer("max_steps", max_steps, low=1)
        self._scaled = None

    def fit(self, data):
        """Solves for the maps; returns itself.

        Args:
            data: Dict, task name to `(x, y)`, arrays of shapes `(examples,
                size)` and `(examples,)` or `(examples, targets)`; rows with
                NaN in `y` are left out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        data = linear.read(data)
        spread = linear.scales(
            [part.x for part in data.values()], is_scaled=self.scale
        )
        x_parts, y_parts, y_scales = [], [], {}
        for name, part in data.items():
            y_scales[name] = linear.scales([part.y], is_scaled=self.scale)
            x = (part.x - part.x.mean(0)) / spread
            x_parts.append(x)
            y_parts.append((part.y - part.y.mean(0)) / y_scales[name])
        self._scaled = self._minimum(x_parts, y_parts)
        starts = np.cumsum([0, *(y.shape[1] for y in y_parts)])
        weights, intercepts = {}, {}
        for k, (name, part) in enumerate(data.items()):
            w = self._scaled[:, starts[k] : starts[k + 1]]
            weights[name] = w * y_scales[name] / spread[:, None]
            intercepts[name] = part.y.mean(0) - part.x.mean(0) @ weights[name]
        self._keep(data, weights, intercepts)
        return self

    def _minimum(self, x_parts, y_parts) -> np.ndarray:
        """Solves the centred problem; array of shape `(size, targets)`."""
        # Targets of one task share its Gram matrix.
        targets = [y.shape[1] for y in y_parts]
        grams = [x.T @ x / len(x) for x in x_parts]
        crosses = [
            x.T @ y / len(x) for x, y in zip(x_parts, y_parts, strict=True)
        ]
        return minimum(
            grams,
            np.concatenate(crosses, axis=1),
            targets,
            self._proximal,
            self.alpha,
            self.tolerance,
            self.max_steps,
        )

    def _proximal(self, w, strength):
        """Returns the matrix nearest to `w` under the penalty."""
        raise NotImplementedError

    def _fitted(self) -> np.ndarray:
        if self._scaled is None:
            raise ValueError(
                f"{type(self).__name__} is not fitted. Call `fit` first."
            )
        return self._scaled


def minimum(
    grams, cross, targets, proximal, strength, tolerance, max_steps
) -> np.ndarray:
    """Minimises `sum_t tr(w_t' G_t w_t) / 2 - w_t' c_t + strength * p(W)`.

    Args:
        grams: List of arrays of shape `(size, size)`, one a task.
        cross: Array of shape `(size, columns)`, `c`.
        targets: List of integers, how many columns belong to each task.
        proximal: Function of a matrix and of a strength, the proximal map.
        strength: Float of at least 0.
        tolerance: Float, the relative step at which it ends.
        max_steps: Integer; a warning where they do not suffice.

    Returns:
        Array of shape `(size, columns)`.
    """
    steepest = max(float(np.linalg.eigvalsh(gram)[-1]) for gram in grams)
    if steepest <= 0:
        return np.zeros_like(cross)
    edges = np.cumsum([0, *targets])
    w = ahead = np.zeros_like(cross)
    momentum = 1.0
    for _ in range(max_steps):
        slope = np.concatenate(
            [
                gram @ ahead[:, edges[t] : edges[t + 1]]
                for t, gram in enumerate(grams)
            ],
            axis=1,
        )
        stepped = proximal(
            ahead - (slope - cross) / steepest, strength / steepest
        )
        change = stepped - w
        if np.sum((ahead - stepped) * change) > 0:
            # Uphill: start again without momentum.
            momentum = 1.0
            following = stepped
        else:
            grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            following = stepped + (momentum - 1) / grown * change
            momentum = grown
        size = max(np.linalg.norm(stepped), 1e-12)
        is_done = np.linalg.norm(stepped - ahead) <= tolerance * size
        w, ahead = stepped, following
        if is_done:
            return w
    warnings.warn(
        f"Proximal gradient descent has not converged in {max_steps} steps. "
        "Scale the inputs, or increase `max_steps` or `tolerance`.",
        UserWarning,
        stacklevel=4,
    )
    return w
