"""What a tensor carries: values, a mask, logits."""

import keras
from keras import ops
from keras.src.backend import get_keras_mask, set_keras_mask

# Operations of TensorFlow whose input Keras takes for logits.
_FROM_LOGITS = ("Sigmoid", "Softmax")


def is_concrete(tensor) -> bool:
    """Tells whether a tensor has values now, outside of a traced program."""
    if keras.backend.backend() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    return hasattr(tensor, "numpy")


def get_mask(tensor):
    """Returns the Keras mask of a tensor, or `None`."""
    return get_keras_mask(tensor)


def set_mask(tensor, mask) -> None:
    """Sets the Keras mask of a tensor."""
    set_keras_mask(tensor, mask)


def where_keeping_logits(condition, output, value: float):
    """Replaces elements of an output; its logits stay known to Keras.

    On TensorFlow, cross entropies find the logits that an output was computed
    from, which saturated probabilities have lost.
    """
    logits = None
    if keras.backend.backend() == "tensorflow":
        logits = getattr(output, "_keras_logits", None)
        # An array has no operation, and asking an eager tensor raises.
        operation = getattr(output, "op", None)
        if logits is None and getattr(operation, "type", "") in _FROM_LOGITS:
            # Always inside the domain of its loss.
            return output
    replaced = ops.where(condition, output, ops.cast(value, output.dtype))
    if logits is not None:
        zero = ops.cast(0.0, logits.dtype)
        replaced._keras_logits = ops.where(condition, logits, zero)
    return replaced
