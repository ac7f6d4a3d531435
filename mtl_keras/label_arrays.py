"""Reads labels as NumPy arrays: lists, pandas columns, masked arrays."""

import numpy as np

_SIGNED = ("int32", "int64")


def labels_as_array(name: str, label):
    """Reads a task's labels as an array of numbers.

    `None`, `pandas.NA` and masked entries are missing labels: NaN.

    Args:
        name: String, the task, for the error.
        label: List, array, tensor, or column of a table.

    Returns:
        NumPy array; anything that is no array and no list unchanged.

    Raises:
        ValueError: If the labels are lists of different lengths, a single
            number for all examples, or sparse.
    """
    check_dense(name, label)
    is_listed = isinstance(label, list | tuple)
    is_number = isinstance(label, int | float)
    if not (is_listed or is_number or hasattr(label, "__array__")):
        return label
    if isinstance(label, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(label)
        return np.where(mask, np.nan, label.data) if mask.any() else label.data
    try:
        array = np.asarray(label)
    except ValueError as error:
        raise ValueError(
            f"Task {name!r} expects labels of one shape. Received: lists of "
            "different lengths. Pad them with missing labels, NaN or the "
            "task's marker."
        ) from error
    if array.ndim == 0:
        raise ValueError(
            f"Task {name!r} expects a label for each example. Received: a "
            f"single one, {array.item()!r}, without a batch axis. Pass an "
            "array, or use dataset.batch(64)."
        )
    return _without_none(array) if array.dtype == object else array


def check_dense(name: str, label) -> None:
    """Checks that labels are no sparse array.

    Args:
        name: String, the task, for the error.
        label: Labels, or the spec of those of a dataset.

    Raises:
        ValueError: If they are of SciPy's or TensorFlow's sparse types.
    """
    kind = type(label).__name__
    is_of_scipy = type(label).__module__.startswith("scipy.sparse")
    if is_of_scipy or kind.startswith("SparseTensor"):
        repair = "label.toarray()" if is_of_scipy else "tf.sparse.to_dense"
        raise ValueError(
            f"Task {name!r} expects labels in a dense array. Received: "
            f"{kind}. Convert them with {repair}; missing labels are NaN or "
            "the task's marker."
        )


def _without_none(array):
    """Replaces what marks a missing entry in an array of objects by NaN."""
    numbers = np.empty(array.shape, "float64")
    for index, entry in np.ndenumerate(array):
        if _is_missing(entry):
            numbers[index] = np.nan
        elif isinstance(entry, bool | int | float | np.number | np.bool_):
            numbers[index] = entry
        else:
            # Names, for instance: the check of the type says so.
            return array
    return numbers


def _is_missing(entry) -> bool:
    # By name: pandas need not be installed.
    return entry is None or type(entry).__name__ in ("NAType", "NaTType")


def readable(label) -> tuple:
    """Returns the functions that take `label`, and `label` as signed numbers.

    Flags and unsigned integers cannot be compared with a marker of -1, and
    NumPy has no functions for bfloat16.

    Args:
        label: Array or tensor.

    Returns:
        Pair of a module and of an array or tensor.
    """
    if isinstance(label, np.ndarray):
        if label.dtype.kind in "fi":
            return np, label
        return np, label.astype("int64" if label.dtype.kind in "ub" else "f4")
    import keras

    if _is_tensorflow(label) and keras.backend.backend() != "tensorflow":
        # A label inside `tf.data`, while another backend trains.
        import tensorflow as tf

        arrays, cast = tf.experimental.numpy, tf.cast
    else:
        label = keras.ops.convert_to_tensor(label)
        arrays, cast = keras.ops, keras.ops.cast
    is_signed = keras.backend.standardize_dtype(label.dtype) in _SIGNED
    return arrays, label if is_signed or is_float(label) else cast(
        label, "int32"
    )


def _is_tensorflow(label) -> bool:
    return type(label).__module__.partition(".")[0] == "tensorflow"


def is_float(label) -> bool:
    """Tells whether an array or tensor holds floats."""
    return "float" in (getattr(label.dtype, "name", None) or str(label.dtype))
