"""What losses share whose labels depend on each other."""

from keras import ops

from mtl_keras.shapes import align


def mask(name: str, present, values):
    """Marks which values belong to labels that are there.

    Args:
        name: String, the loss, for the error.
        present: Boolean tensor of the label's shape, or `None` where every
            label is there. A label of several numbers, such as a time and an
            event, is there where all of them are.
        values: Tensor of the shape of the loss's values.

    Returns:
        Boolean tensor of the values' shape.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if present is None:
        return ops.ones_like(values, dtype="bool")
    present = ops.cast(ops.convert_to_tensor(present), "bool")
    return align(present, values, name, what="mask", owner="Loss") > 0


def keep(tensor, kept, filler: float = 0.0):
    """Replaces what is not kept by a constant, which has no gradient.

    Args:
        tensor: Tensor, NaN or not where it is not kept.
        kept: Boolean tensor whose shape broadcasts to the tensor's.
        filler: Float. Defaults to 0.

    Returns:
        Tensor of the same shape.
    """
    return ops.where(kept, tensor, ops.cast(filler, tensor.dtype))


def count(kept):
    """Counts what is kept, at least 1; a float32 scalar."""
    return ops.maximum(ops.sum(ops.cast(kept, "float32")), 1.0)


def ratio(amount, of):
    """Divides by what may be 0, giving 0 there, with a finite gradient."""
    is_some = of > 0
    return ops.where(is_some, amount / ops.where(is_some, of, 1.0), 0.0)
