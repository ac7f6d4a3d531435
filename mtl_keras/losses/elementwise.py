"""Unreduced values of any Keras loss, one for each label."""

import functools

import keras
from keras import ops

from mtl_keras import compat, shapes
from mtl_keras.losses.loss import Loss

#: Functions of Keras that average an elementwise formula over the last axis.
AVERAGING = (
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
    keras.losses.hinge,
    keras.losses.huber,
    keras.losses.log_cosh,
    keras.losses.mean_absolute_error,
    keras.losses.mean_absolute_percentage_error,
    keras.losses.mean_squared_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.poisson,
    keras.losses.squared_hinge,
)


def values(loss, y_true, y_pred, present=None):
    """Evaluates a loss without reducing it, so that labels can be masked.

    Keras's `MeanSquaredError` and its like (`AVERAGING`; also our `Huber`)
    average an elementwise formula over the last axis. They receive a last axis
    of 1 instead, so that each element keeps a value of its own and a vector
    with some labels missing can be masked by element: the values have the
    label's shape. Every other loss returns what its `call` returns, one value
    for each label; so does one of Keras's that averages over another `axis`.

    A loss of ours that couples labels (`Loss.couples_labels`, such as `Cox`)
    receives `present`.

    Args:
        loss: `keras.losses.Loss` or function of `(y_true, y_pred)`.
        y_true: Tensor of labels, missing ones replaced by a legal value.
        y_pred: Tensor of predictions.
        present: Boolean tensor of the labels' shape, or `None` if all are
            present. Only losses that couple labels read it.

    Returns:
        float32 tensor, unreduced, the batch first. It has a Keras mask where
        the loss sets one, as with `ignore_class`.

    Raises:
        ValueError: If the shapes do not fit, or the loss itself reduces over
            the batch.
    """
    y_true, y_pred = shapes.as_tensors(y_true, y_pred)
    name = _name(loss)
    if averages_last_axis(loss):
        call = loss.call if isinstance(loss, keras.losses.Loss) else loss
        result = _by_element(name, call, y_true, y_pred, _dtype(loss))
    elif couples_labels(loss):
        result = loss.call(y_true, y_pred, present)
    elif isinstance(loss, Loss):
        result = loss.call(y_true, y_pred)
    else:
        is_object = isinstance(loss, keras.losses.Loss)
        call, dtype = loss.call if is_object else loss, _dtype(loss)
        if is_object and not hasattr(loss, "fn"):
            true, pred = shapes.in_rank_of(y_pred, y_true), y_pred
        else:
            # Keras wraps a function, and the wrapper does the same.
            true, pred = shapes.same_rank(y_true, y_pred)
        result = call(ops.cast(true, dtype), ops.cast(pred, dtype))
    mask = compat.get_mask(result)
    result = ops.cast(result, "float32")
    if mask is not None:
        compat.set_mask(result, mask)
    if not result.shape or not shapes.fits(result.shape[:1], y_pred.shape[:1]):
        raise ValueError(
            f"Loss {name!r} must return one value for each label, so that "
            "missing labels can be left out. Received: values of shape "
            f"{tuple(result.shape)} for predictions of shape "
            f"{tuple(y_pred.shape)}. Do not reduce over the batch axis."
        )
    return result


def averages_last_axis(loss) -> bool:
    """Checks whether a loss averages an elementwise formula over an axis."""
    if isinstance(loss, Loss):
        return loss.averages_last_axis
    if isinstance(loss, keras.losses.Loss):
        return (
            # A subclass may override the formula.
            type(loss).call is keras.losses.MeanSquaredError.call
            and any(loss.fn is function for function in AVERAGING)
            and getattr(loss, "axis", -1) == -1
        )
    if isinstance(loss, functools.partial):
        if loss.args or loss.keywords.get("axis", -1) != -1:
            return False
        loss = loss.func
    return any(loss is function for function in AVERAGING)


def couples_labels(loss) -> bool:
    """Checks whether a label's value depends on the batch's other labels."""
    return isinstance(loss, Loss) and loss.couples_labels


def from_logits(loss) -> bool:
    """Checks whether a loss reads its predictions as logits."""
    if isinstance(loss, functools.partial):
        return bool(loss.keywords.get("from_logits", False))
    return bool(getattr(loss, "from_logits", False))


def _by_element(name, call, y_true, y_pred, dtype):
    true, pred = shapes.paired(name, y_true, y_pred)
    result = call(
        ops.expand_dims(ops.cast(true, dtype), axis=-1),
        ops.expand_dims(ops.cast(pred, dtype), axis=-1),
    )
    if len(y_true.shape) > len(result.shape):
        result = ops.expand_dims(result, axis=-1)
    return result


def _dtype(loss) -> str:
    return getattr(loss, "dtype", None) or "float32"


def _name(loss) -> str:
    return (
        getattr(loss, "name", None)
        or getattr(loss, "__name__", None)
        or type(loss).__name__
    )
