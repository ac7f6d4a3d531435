"""Trace-norm regularisation: the tasks' maps span few directions.

Argyriou et al., NeurIPS 2006; Ji and Ye, ICML 2009,
https://doi.org/10.1145/1553374.1553434.
"""

import numpy as np

from mtl_keras.classical.proximal import PenalizedTasks


class TraceNorm(PenalizedTasks):
    """Linear models whose matrix has a low rank.

    Minimises `sum_t |y_t - x_t w_t|^2 / (2 n_t) + alpha * |W|_*` with the sum
    `|W|_*` of the singular values of the matrix of all tasks, by proximal
    gradient descent: each step lowers the singular values and cuts them at 0.

    Args:
        alpha: As of the base class, and so are the others.
    """

    def rank(self) -> int:
        """Returns the rank of the matrix of all tasks' scaled maps.

        Raises:
            ValueError: If the model is not fitted.
        """
        values = np.linalg.svd(self._fitted(), compute_uv=False)
        return int(np.sum(values > 1e-6 * max(values.max(), 1e-300)))

    def _proximal(self, w, strength):
        left, values, right = np.linalg.svd(w, full_matrices=False)
        return left * np.maximum(values - strength, 0.0) @ right
