"""What one task's label looks like, and how a missing one is marked."""

import dataclasses
import math

_RULES = (None, "box_xyxy", "one_hot")
_WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)
_NUMBERS = ("float", "bfloat", "int", "uint", "bool")


@dataclasses.dataclass(frozen=True)
class LabelSpec:
    """Shape, type, range and missing marker of one task's label.

    Args:
        shape: Tuple of integers (or `None`, any size), the shape of one
            example's label without the batch axis. `()` is one number an
            example; batches of shape `(batch,)` and `(batch, 1)` both fit it.
        dtype: String, `"float32"` or `"int32"`.
        missing: How a missing label is marked, beside NaN, which marks one in
            every floating point array: `"nan"` for nothing else, or an integer
            such as `-1` (class labels) or `255` (mask images).
        minimum: Number or `None`, the least legal value.
        maximum: Number or `None`, the greatest legal value.
        rule: `None`: each element is a label. `"box_xyxy"`: the last axis
            holds `x1, y1, x2, y2` with `x1 <= x2` and `y1 <= y2`. `"one_hot"`:
            the last axis holds a share for each class. With either rule the
            last axis is one label, missing where any part of it is.
    """

    shape: tuple[int | None, ...] = ()
    dtype: str = "float32"
    missing: str | int = "nan"
    minimum: float | None = None
    maximum: float | None = None
    rule: str | None = None

    def __post_init__(self):
        if not isinstance(self.shape, list | tuple) or not all(
            size is None or (isinstance(size, int) and size > 0)
            for size in self.shape
        ):
            raise ValueError(
                "LabelSpec: `shape` must be a tuple of sizes without the batch "
                f"axis; None is any size. Received: shape={self.shape!r}"
            )
        object.__setattr__(self, "shape", tuple(self.shape))
        if self.dtype not in ("float32", "int32"):
            raise ValueError(
                "LabelSpec: `dtype` must be 'float32' or 'int32'. "
                f"Received: dtype={self.dtype!r}"
            )
        is_marker = isinstance(self.missing, int) and not isinstance(
            self.missing, bool
        )
        if self.missing != "nan" and not is_marker:
            raise ValueError(
                "LabelSpec: `missing` must be 'nan' or an integer such as -1. "
                f"Received: missing={self.missing!r}"
            )
        if self.rule not in _RULES:
            raise ValueError(
                f"LabelSpec: `rule` must be one of {_RULES}. "
                f"Received: rule={self.rule!r}"
            )
        if self.rule == "box_xyxy" and self.shape[-1:] != (4,):
            raise ValueError(
                "LabelSpec: a box has a last axis of 4: x1, y1, x2, y2. "
                f"Received: shape={self.shape}"
            )
        if None not in (self.minimum, self.maximum) and not (
            self.minimum <= self.maximum
        ):
            raise ValueError(
                "LabelSpec: `minimum` must not exceed `maximum`. Received: "
                f"minimum={self.minimum!r}, maximum={self.maximum!r}"
            )

    @property
    def legal_value(self) -> float:
        """The number that stands in for a missing label."""
        if self.minimum is not None and self.minimum > 0:
            return self.minimum
        if self.maximum is not None and self.maximum < 0:
            return self.maximum
        return 0

    def present(self, label):
        """Tells which labels are there.

        Args:
            label: Tensor of shape `(batch, *shape)`, of any number type.

        Returns:
            Boolean tensor of `label`'s shape.
        """
        from keras import ops

        label = _as_number(label)
        if _is_float(label):
            present = ops.logical_not(ops.isnan(label))
            if self.missing != "nan":
                marked = ops.equal(label, ops.cast(self.missing, label.dtype))
                present = ops.logical_and(present, ops.logical_not(marked))
        elif self.missing == "nan":
            present = ops.ones_like(label, dtype="bool")
        else:
            present = ops.not_equal(label, ops.cast(self.missing, label.dtype))
        if self.rule is not None:
            whole = ops.all(present, axis=-1, keepdims=True)
            present = ops.logical_and(present, whole)
        return present

    def fill(self, label, present=None):
        """Puts a legal value where a label is missing.

        The loss of a missing label is computed and thrown away; it must be
        finite, because `0 * nan` is NaN in the gradient.

        Args:
            label: Tensor of shape `(batch, *shape)`.
            present: Boolean tensor from `present(label)`; computed if `None`.

        Returns:
            Tensor of `label`'s shape, floating point or a signed integer.
        """
        from keras import ops

        label = _as_number(label)
        present = self.present(label) if present is None else present
        if self.rule == "box_xyxy":
            legal = ops.cast(ops.convert_to_tensor(_WHOLE_IMAGE), label.dtype)
            return ops.where(
                present, label, ops.broadcast_to(legal, ops.shape(label))
            )
        legal = ops.cast(self.legal_value, label.dtype)
        return ops.where(present, label, legal)

    def invalid(self, label):
        """Tells which labels are there but no legal answer.

        Args:
            label: Tensor of shape `(batch, *shape)`.

        Returns:
            Boolean tensor of `label`'s shape.
        """
        from keras import ops

        label = _as_number(label)
        bad = ops.zeros_like(label, dtype="bool")
        present = self.present(label)
        if _is_float(label):
            bad = ops.isinf(label)
            if self.dtype == "int32":
                whole = ops.equal(label, ops.round(label))
                bad = ops.logical_or(bad, ops.logical_not(whole))
        if self.minimum is not None:
            bad = ops.logical_or(
                bad, label < ops.cast(self.minimum, label.dtype)
            )
        if self.maximum is not None:
            bad = ops.logical_or(
                bad, label > ops.cast(self.maximum, label.dtype)
            )
        if self.rule == "box_xyxy":
            crossed = ops.any(
                label[..., 2:] < label[..., :2], axis=-1, keepdims=True
            )
            bad = ops.logical_or(bad, crossed)
        if self.rule is not None:
            # One wrong part spoils the whole label.
            spoilt = ops.any(bad, axis=-1, keepdims=True)
            bad = ops.logical_or(bad, spoilt)
        return ops.logical_and(bad, present)

    def check_dtype(self, name: str, dtype) -> None:
        """Checks that labels are numbers.

        Args:
            name: String, the task.
            dtype: NumPy dtype, dtype of a backend, or the name of one.

        Raises:
            ValueError: If labels of this type are no numbers.
        """
        dtype = getattr(dtype, "name", None) or str(dtype)
        if not dtype.startswith(_NUMBERS):
            raise ValueError(
                f"Task {name!r} expects labels that are numbers "
                f"({self.dtype}). Received: dtype {dtype}. Turn names into "
                "class numbers in the pipeline."
            )

    def check_shape(self, name: str, shape) -> None:
        """Checks the shape of a batch or array of labels.

        Args:
            name: String, the task.
            shape: Tuple, the whole shape with the leading example axis; an
                unknown size is `None`.

        Raises:
            ValueError: If no reading of `shape` fits this spec.
        """
        shape = tuple(shape)
        options = [self.shape]
        if not self.shape:
            options.append((1,))
        elif self.shape == (1,):
            options.append(())
        if len(shape) >= 1 and any(
            _fits(option, shape[1:]) for option in options
        ):
            return
        expected = ("batch", *("any" if s is None else s for s in self.shape))
        raise ValueError(
            f"Task {name!r} expects labels of shape "
            f"({', '.join(str(size) for size in expected)}"
            f"{',' if len(expected) == 1 else ''}). "
            f"Received: labels of shape {shape}. "
            f"{self._shape_repair(shape)}"
        )

    def _shape_repair(self, shape) -> str:
        if None not in shape and _fits(self.shape, shape):
            return "If this is a single example, use dataset.batch(64)."
        if self.dtype == "int32" and not self.shape and len(shape) == 2:
            return (
                "If the labels are one-hot, give their argmax, or compile "
                "this task with loss='categorical_crossentropy'."
            )
        if self.rule == "one_hot" and len(shape) == len(self.shape):
            return (
                "If the labels are class numbers, compile this task with "
                "loss='sparse_categorical_crossentropy'."
            )
        return "Reshape the labels in the pipeline, or set `Task(label=...)`."

    def check_array(self, name: str, label) -> None:
        """Checks a NumPy array of labels before training starts.

        Args:
            name: String, the task.
            label: NumPy array of shape `(examples, *shape)`.

        Raises:
            ValueError: If shape, type or range is wrong; says which example.
        """
        import numpy as np

        label = np.asarray(label)
        self.check_dtype(name, label.dtype)
        if label.dtype.kind not in "fiub":
            label = label.astype("float32")  # bfloat16, unknown to NumPy.
        self.check_shape(name, label.shape)
        bad, present = self._invalid_array(label)
        if bad.any():
            first = int(np.argwhere(bad)[0][0])
            raise ValueError(
                f"{self.range_message(name)} Received: labels from "
                f"{label[present].min()} to {label[present].max()}, dtype "
                f"{label.dtype}; the first wrong one is example {first}: "
                f"{label[first].tolist()}. {self.range_repair()}"
            )

    def _invalid_array(self, label):
        import numpy as np

        present = np.ones(label.shape, bool)
        if label.dtype.kind == "f":
            present &= ~np.isnan(label)
        if self.missing != "nan":
            present &= label != self.missing
        if self.rule is not None:
            present &= present.all(axis=-1, keepdims=True)
        bad = np.zeros(label.shape, bool)
        if label.dtype.kind == "f":
            bad |= np.isinf(label)
        if self.minimum is not None:
            bad |= label < self.minimum
        if self.maximum is not None:
            bad |= label > self.maximum
        if self.dtype == "int32" and label.dtype.kind == "f":
            bad |= label != np.round(label)
        if self.rule == "box_xyxy":
            bad |= (label[..., 2:] < label[..., :2]).any(-1, keepdims=True)
        if self.rule is not None:
            bad |= bad.any(-1, keepdims=True)
        return bad & present, present

    def range_message(self, name: str) -> str:
        """Says which labels are legal, for an error."""
        marker = "NaN" if self.missing == "nan" else self.missing
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        if self.rule == "box_xyxy":
            return (
                f"Task {name!r} expects boxes as x1, y1, x2, y2 in "
                f"[{low}, {high}] with x1 <= x2 and y1 <= y2, or {marker} "
                "where the label is missing."
            )
        kind = "integer labels" if self.dtype == "int32" else "labels"
        interval = (
            f"[{low}, {high + 1})"
            if self.dtype == "int32"
            else f"[{low}, {high}]"
        )
        return (
            f"Task {name!r} expects {kind} in {interval}, or {marker} where "
            "the label is missing."
        )

    def range_repair(self) -> str:
        """Says what most often puts such labels right."""
        if self.rule == "box_xyxy":
            return (
                "If the boxes are in pixels, divide them by the image's width "
                "and height; if they are x, y, width, height, convert them."
            )
        if self.dtype == "int32" and self.maximum == 1:
            return "Write 0 for no and 1 for yes."
        if self.dtype == "int32":
            return (
                "If class 0 means 'no class' in your data, subtract 1 in the "
                "pipeline."
            )
        return "Rescale the labels in the pipeline."

    def get_config(self) -> dict:
        """Returns the spec as plain data, for `LabelSpec(**config)`."""
        config = dataclasses.asdict(self)
        config["shape"] = list(self.shape)
        return config


def _as_number(label):
    """Makes flags and unsigned integers comparable with a marker of -1."""
    import keras

    label = keras.ops.convert_to_tensor(label)
    dtype = keras.backend.standardize_dtype(label.dtype)
    if "float" in dtype or dtype in ("int32", "int64"):
        return label
    return keras.ops.cast(label, "int32")


def _is_float(tensor) -> bool:
    import keras

    return "float" in keras.backend.standardize_dtype(tensor.dtype)


def _fits(expected, received) -> bool:
    return len(expected) == len(received) and all(
        e is None or r is None or e == r
        for e, r in zip(expected, received, strict=True)
    )
