"""Reads labels of survival: a time, and whether the event happened then."""

from keras import ops

from mtl_keras import shapes


def time_and_event(name: str, y_true, predicted_shape, y_pred):
    """Splits labels into times and events.

    Args:
        name: String, the loss or metric, for the error.
        y_true: Tensor of shape `(..., 2)`: the time of the event (1) or of the
            last observation (0), and which of the two it is.
        predicted_shape: Tuple, the predictions' shape without an axis of
            numbers an example.
        y_pred: Tensor of predictions, for the error.

    Returns:
        Tuple of two float32 tensors of shape `(...)`; events are 0 or 1.

    Raises:
        ValueError: If the shapes do not fit.
    """
    shape = tuple(y_true.shape)
    if (
        not shape
        or shape[-1] != 2
        or not shapes.fits(shape[:-1], predicted_shape)
    ):
        raise ValueError(
            f"{name!r} expects labels of shape (..., 2), one for each "
            "prediction: a time, and 1 if the event happened then or 0 if it "
            f"was not observed. {shapes.received(y_true, y_pred)}"
        )
    y_true = ops.cast(y_true, "float32")
    return y_true[..., 0], ops.cast(y_true[..., 1] > 0.5, "float32")
