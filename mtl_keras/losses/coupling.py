"""What losses share whose labels depend on each other."""

from keras import ops

from mtl_keras.shapes import align


def mask(name: str, present, values):
    """Marks which values belong to labels that are present.

    Args:
        name: String, the loss, for the error.
        present: Boolean tensor of the label's shape, or `None` if every label
            is present. A label of several numbers, such as a time and an
            event, is present if all of them are.
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


def where_present(tensor, is_present, filler: float = 0.0):
    """Replaces elements without a label by a constant without gradient.

    Args:
        tensor: Tensor; may be NaN where `is_present` is false.
        is_present: Boolean tensor whose shape broadcasts to the tensor's.
        filler: Float. Defaults to 0.

    Returns:
        Tensor of the same shape.
    """
    return ops.where(is_present, tensor, ops.cast(filler, tensor.dtype))


def count(is_present):
    """Counts the true elements, at least 1; a float32 scalar."""
    return ops.maximum(ops.sum(ops.cast(is_present, "float32")), 1.0)


def ratio(numerator, denominator):
    """Divides, giving 0 with a finite gradient where the denominator is 0."""
    is_positive = denominator > 0
    quotient = numerator / ops.where(is_positive, denominator, 1.0)
    return ops.where(is_positive, quotient, 0.0)
