"""Focal loss (Lin et al., ICCV 2017, https://arxiv.org/abs/1708.02002)."""

from collections.abc import Sequence

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import probability
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class Focal(Loss):
    """Cross-entropy that gives little weight to easy examples.

    With `p_t` the probability of the true class (equation 5 of the paper):

        loss = -alpha_t * (1 - p_t) ** gamma * log(p_t)

    Both `p_t` and `1 - p_t` are moved off 0 and 1 by `p * (1 - 2 * e) + e`,
    `e = 1e-7`, so that the gradient exists for every `gamma`. `gamma = 0`
    without `alpha` is the cross-entropy.

    Binary labels: predictions of shape `(..., 1)`, values of shape `(...)`; or
    predictions of the labels' shape, one value each. Classes: integer labels
    of shape `(...)` or `(..., 1)`, predictions of shape `(..., num_classes)`,
    values of shape `(...)`.

    Args:
        gamma: Float, at least 0. Defaults to 2, the paper's best.
        alpha: `None` for equal weights. For binary labels, a float in [0, 1]:
            `alpha_t` is `alpha` for positives and `1 - alpha` for negatives
            (0.25 in the paper). For classes, a sequence of floats, at least 0,
            one for each class.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"focal"`.

    Note:
        One-hot labels have the predictions' shape and are therefore read as
        several binary labels, as in the paper. Pass class numbers if exactly
        one class is right.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | Sequence[float] | None = None,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "focal",
    ):
        super().__init__(reduction=reduction, name=name)
        self.gamma = checks.number("gamma", gamma, low=0)
        self.alpha = _checked(alpha)

    def call(self, y_true, y_pred):
        """Computes a value for each label.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of probabilities.

        Returns:
            float32 tensor, see the class.

        Raises:
            ValueError: If the shapes do not fit each other or `alpha`.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        if shapes.is_binary(y_true, y_pred):
            return self._binary(y_true, y_pred)
        return self._classes(y_true, y_pred)

    def _binary(self, y_true, y_pred):
        if isinstance(self.alpha, list):
            raise ValueError(
                "Focal: for binary labels `alpha` must be one number. "
                f"Received: alpha={self.alpha}, "
                f"{shapes.received(y_true, y_pred)}"
            )
        y, p = shapes.paired(self.name, y_true, y_pred)
        y = ops.cast(y, "float32")
        weights = (1.0, 1.0)
        if self.alpha is not None:
            weights = (self.alpha, 1.0 - self.alpha)
        positive = weights[0] * y * self._focused(p)
        negative = weights[1] * (1.0 - y) * self._focused(1.0 - p)
        return positive + negative

    def _classes(self, y_true, y_pred):
        if isinstance(self.alpha, float):
            raise ValueError(
                "Focal: for classes `alpha` must be a sequence with one number "
                "for each class. "
                f"Received: alpha={self.alpha}, "
                f"{shapes.received(y_true, y_pred)}"
            )
        labels = shapes.class_probabilities(self.name, y_true, y_pred)
        if self.alpha is not None:
            if y_pred.shape[-1] != len(self.alpha):
                raise ValueError(
                    f"Focal: `alpha` has {len(self.alpha)} numbers for "
                    f"{y_pred.shape[-1]} classes. Received: alpha={self.alpha}"
                )
            labels = labels * ops.convert_to_tensor(self.alpha, "float32")
        return ops.sum(labels * self._focused(y_pred), axis=-1)

    def _focused(self, p):
        """Computes `-(1 - p) ** gamma * log(p)` for each probability."""
        rest = probability.inner(1.0 - p)
        return -ops.power(rest, self.gamma) * probability.log(p)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "alpha": self.alpha,
        }


def _checked(alpha):
    if alpha is None:
        return None
    if isinstance(alpha, Sequence) and not isinstance(alpha, str):
        return [
            checks.number(f"alpha[{index}]", value, low=0)
            for index, value in enumerate(alpha)
        ]
    return checks.fraction("alpha", alpha)
