"""Multi-task Lasso: the tasks read the same few columns.

Obozinski et al., Statistics and Computing 20, 2010; Argyriou et al., NeurIPS
2006: the penalty is the sum of the rows' lengths (L21).
"""

import numpy as np

from mtl_keras.classical.proximal import PenalizedTasks


class MultiTaskLasso(PenalizedTasks):
    """Linear models with one support: a column counts in all tasks or in none.

    Minimises `sum_t |y_t - x_t w_t|^2 / (2 n_t) + alpha * sum_j |W_j|` with
    the rows `W_j` of the matrix of all tasks. Where all tasks have the same
    inputs it is `sklearn.linear_model.MultiTaskLasso(alpha)`, which solves it;
    tasks with inputs of their own are solved by proximal gradient descent.

    Args:
        alpha: As of the base class, and so are the others.
    """

    def support(self) -> np.ndarray:
        """Returns which input columns count, booleans of shape `(size,)`.

        Raises:
            ValueError: If the model is not fitted.
        """
        return np.linalg.norm(self._fitted(), axis=1) > 0

    def _minimum(self, x_parts, y_parts):
        first = x_parts[0]
        is_one = all(
            x is first or (x.shape == first.shape and (x == first).all())
            for x in x_parts
        )
        targets = sum(y.shape[1] for y in y_parts)
        if not is_one or targets < 2 or not self.alpha:
            return super()._minimum(x_parts, y_parts)
        from sklearn import linear_model

        model = linear_model.MultiTaskLasso(
            alpha=self.alpha,
            fit_intercept=False,
            tol=self.tolerance,
            max_iter=self.max_steps,
        ).fit(first, np.concatenate(y_parts, axis=1))
        return model.coef_.T

    def _proximal(self, w, strength):
        lengths = np.linalg.norm(w, axis=1, keepdims=True)
        kept = np.maximum(lengths - strength, 0.0)
        return w * kept / np.where(lengths > 0, lengths, 1.0)
