"""Angle between directions, such as the normals of surfaces."""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.losses.loss import Loss

# Keeps the root's gradient finite if a length is 0; in float32 it does not
# change a length above 3e-3.
_TINY = 1e-12


@keras.saving.register_keras_serializable(package="mtl_keras")
class Angular(Loss):
    """Angle between the true and the predicted direction, in radians.

    With `u` and `v` the directions scaled to length 1 (Kahan, How futile are
    mindless assessments of roundoff, 2006, section 12):

        loss = 2 * atan2(|u - v|, |u + v|)

    which, unlike the arc cosine of `u . v`, is exact near 0 and pi and has a
    finite gradient there.

    Directions have shape `(..., size)`, 3 for normals, of any length; values
    have shape `(...)`, in [0, pi]. A direction of length 0 is at a right angle
    to every other.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"angular"`.
    """

    default_name = "angular"

    def call(self, y_true, y_pred):
        """Computes a value for each direction.

        Args:
            y_true: Tensor of directions, shape `(..., size)`.
            y_pred: Tensor of the same shape.

        Returns:
            float32 tensor of shape `(...)`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        return angle(self.name, y_true, y_pred)


def angle(name: str, y_true, y_pred):
    """Computes the angle of directions in radians; see `Angular`."""
    y_true, y_pred = shapes.as_tensors(y_true, y_pred)
    if (
        not shapes.fits(y_true.shape, y_pred.shape)
        or len(y_pred.shape) < 2
        or y_pred.shape[-1] == 1
    ):
        raise ValueError(
            f"{name!r} expects directions: labels and predictions of one "
            "shape (..., size), with a size of at least 2. "
            f"{shapes.received(y_true, y_pred)}"
        )
    u = _unit(ops.cast(y_true, "float32"))
    v = _unit(y_pred)
    return 2.0 * ops.arctan2(_length(u - v), _length(u + v))


def _unit(vector):
    return vector / ops.expand_dims(_length(vector), axis=-1)


def _length(vector):
    return ops.sqrt(ops.sum(ops.square(vector), axis=-1) + _TINY)
