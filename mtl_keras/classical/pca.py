"""Principal components as features that all tasks share."""

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.classical import adapted


@keras.saving.register_keras_serializable(package="mtl_keras")
class PCA(adapted.Adapted):
    """The directions of the largest variance, fitted by scikit-learn.

    Args:
        num_components: Integer of at least 1, or `None` for as many as
            examples or columns allow. Defaults to `None`.
        whiten: Boolean, whether each component is scaled to variance 1.
            Defaults to `False`.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(
        self,
        num_components: int | None = None,
        *,
        whiten: bool = False,
        **kwargs,
    ):
        super().__init__(num_components, **kwargs)
        self.whiten = checks.boolean("whiten", whiten)

    def adapt(self, data) -> None:
        """Computes the components.

        Args:
            data: Array of shape `(examples, size)`, or batches of it.

        Raises:
            ValueError: If the data do not fit, or have fewer examples or
                columns than components, or with `whiten` too low a rank.
        """
        from sklearn import decomposition

        data = adapted.matrix(self.name, data)
        if self.num_components is not None and self.num_components > min(
            data.shape
        ):
            raise ValueError(
                f"{self.name!r} has at most {min(data.shape)} components for "
                f"data of shape {data.shape}. Received: "
                f"num_components={self.num_components}"
            )
        fitted = decomposition.PCA(self.num_components, svd_solver="full").fit(
            data
        )
        kernel = fitted.components_.T
        if self.whiten:
            spread = np.sqrt(fitted.explained_variance_)
            rank = int(np.sum(spread > 1e-7 * max(spread.max(), 1e-300)))
            if rank < len(spread):
                raise ValueError(
                    f"{self.name!r} cannot whiten components without "
                    f"variance: the data have the rank {rank}. Received: "
                    f"{len(spread)} components. Write num_components={rank}."
                )
            kernel = kernel / spread
        self._assign(fitted.mean_, kernel)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "whiten": self.whiten}
