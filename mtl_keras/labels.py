"""Describes the labels of one task, and how a missing one is marked."""

import dataclasses
import functools
import math

from mtl_keras import label_arrays

_RULES = (None, "box_xyxy", "objects", "one_hot", "time_event")
# The size of the last axis, and what it holds.
_PARTS = {
    "box_xyxy": (4, "x1, y1, x2, y2"),
    "objects": (5, "x1, y1, x2, y2 and a class number"),
    "time_event": (2, "a time and an event"),
}
_WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)
# Rounding: six digits of a corner may end at 1.0000005.
_TOLERANCE = 1e-4
_NUMBERS = ("float", "bfloat", "int", "uint", "bool")


@dataclasses.dataclass(frozen=True)
class LabelSpec:
    """Shape, type, range and missing marker of one task's label.

    Args:
        shape: Tuple of integers (or `None`, any size), the shape of one
            example's label without the batch axis. `()` is one number an
            example; batches of shape `(batch,)` and `(batch, 1)` both fit it.
        dtype: String, `"float32"` or `"int32"`.
        missing: How a missing label is marked. NaN marks one in every
            floating point array; `"nan"` means no other marker, an integer
            such as `-1` (class labels) or `255` (mask images) is another.
        minimum: Number or `None`, the least legal value.
        maximum: Number or `None`, the greatest legal value. A float label
            outside of both by at most 1e-4 of the range is clipped.
        rule: `None`: each element is a label. `"box_xyxy"`: the last axis
            holds `x1, y1, x2, y2` with `x1 <= x2` and `y1 <= y2`. `"one_hot"`:
            the last axis holds a fraction for each class. `"time_event"`: it
            holds a time, and 1 or 0 for whether the event happened then.
            `"objects"`: it holds a box `x1, y1, x2, y2` in [0, 1] and the
            number of its class, -1 where there is no object. With a rule the
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
        size, parts = _PARTS.get(self.rule, (None, ""))
        if size is not None and self.shape[-1:] != (size,):
            raise ValueError(
                f"LabelSpec: a label of the rule {self.rule!r} has a last axis "
                f"of {size}: {parts}. Received: shape={self.shape}"
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

    @property
    def tolerance(self) -> float:
        """How far a label may lie outside of the range, to be clipped."""
        if self.dtype == "int32" or None in (self.minimum, self.maximum):
            return 0.0
        return _TOLERANCE * (self.maximum - self.minimum)

    def present(self, label):
        """Tells which labels are present; every other module asks here.

        Args:
            label: NumPy array, tensor of the backend, or, inside `tf.data`,
                tensor of TensorFlow. Shape `(batch, *shape)`, any number type.

        Returns:
            Boolean array or tensor of `label`'s kind and shape.
        """
        arrays, label = label_arrays.readable(label)
        # As few operations as possible: a model has these for each task.
        conditions = []
        if self.missing != "nan":
            conditions.append(arrays.not_equal(label, self.missing))
        if label_arrays.is_float(label):
            conditions.append(arrays.logical_not(arrays.isnan(label)))
        if conditions:
            present = functools.reduce(arrays.logical_and, conditions)
        else:
            present = arrays.ones_like(label, dtype="bool")
        if self.rule is not None:
            whole = arrays.all(present, axis=-1, keepdims=True)
            present = arrays.logical_and(present, whole)
        return present

    def fill(self, label, usable=None):
        """Replaces unusable labels by a legal value, and clips rounding errors.

        The loss of such a label is computed and discarded; it must be finite,
        because `0 * nan` is NaN in the gradient.

        Args:
            label: Tensor of shape `(batch, *shape)`.
            usable: Boolean tensor of that shape, the labels that are present
                and legal. Defaults to `present(label)`.

        Returns:
            Tensor of `label`'s shape, floating point or a signed integer.
        """
        from keras import ops

        _, label = label_arrays.readable(ops.convert_to_tensor(label))
        if self.tolerance and label_arrays.is_float(label):
            clipped = ops.clip(label, self.minimum, self.maximum)
            if usable is None:
                # An illegal label stays what it is.
                is_near = ops.abs(clipped - label) <= self.tolerance
                clipped = ops.where(is_near, clipped, label)
            label = clipped
        usable = self.present(label) if usable is None else usable
        if self.rule == "box_xyxy":
            legal = ops.cast(ops.convert_to_tensor(_WHOLE_IMAGE), label.dtype)
            return ops.where(
                usable, label, ops.broadcast_to(legal, ops.shape(label))
            )
        legal = ops.cast(self.legal_value, label.dtype)
        return ops.where(usable, label, legal)

    def invalid(self, label, present=None):
        """Tells which labels are present but not legal.

        Args:
            label: NumPy array or tensor of the backend, of shape
                `(batch, *shape)`.
            present: Boolean array or tensor from `present(label)`; computed if
                `None`.

        Returns:
            Boolean array or tensor of `label`'s kind and shape.
        """
        arrays, label = label_arrays.readable(label)
        present = self.present(label) if present is None else present
        low, high, margin = self.minimum, self.maximum, self.tolerance
        is_bounded = None not in (low, high) and math.isfinite(high - low)
        conditions = []
        if label_arrays.is_float(label) and not is_bounded:
            conditions.append(arrays.isinf(label))
        if label_arrays.is_float(label) and self.dtype == "int32":
            is_broken = arrays.not_equal(label, arrays.round(label))
            conditions.append(is_broken)
        if low is not None:
            conditions.append(arrays.less(label, low - margin))
        if high is not None:
            conditions.append(arrays.greater(label, high + margin))
        if conditions:
            illegal = functools.reduce(arrays.logical_or, conditions)
        else:
            illegal = arrays.zeros_like(label, dtype="bool")
        if self.rule == "objects":
            box, number = label[..., :4], label[..., 4:]
            conditions = (
                arrays.less(box, -_TOLERANCE),
                arrays.greater(box, 1.0 + _TOLERANCE),
                arrays.not_equal(number, arrays.round(number)),
            )
            is_wrong = functools.reduce(
                arrays.logical_or,
                [arrays.any(c, axis=-1, keepdims=True) for c in conditions],
            )
            illegal = arrays.logical_or(illegal, is_wrong)
        if self.rule in ("box_xyxy", "objects"):
            is_crossed = arrays.less(label[..., 2:4], label[..., :2])
            is_crossed = arrays.any(is_crossed, axis=-1, keepdims=True)
            illegal = arrays.logical_or(illegal, is_crossed)
        if self.rule == "time_event":
            event = label[..., 1:]
            is_wrong = arrays.not_equal(event * (1 - event), 0)
            illegal = arrays.logical_or(illegal, is_wrong)
        if self.rule is not None:
            # One illegal part makes the whole label illegal.
            illegal = arrays.logical_or(
                illegal, arrays.any(illegal, axis=-1, keepdims=True)
            )
        return arrays.logical_and(illegal, present)

    def is_clipped(self, label, usable):
        """Tells which labels are outside of the range within the tolerance.

        Args:
            label: Tensor of the backend, of shape `(batch, *shape)`; the spec
                has a `tolerance`.
            usable: Boolean tensor of that shape, the labels that are present
                and legal.

        Returns:
            Boolean tensor of the label's shape.
        """
        arrays, label = label_arrays.readable(label)
        outside = arrays.logical_or(
            arrays.less(label, self.minimum),
            arrays.greater(label, self.maximum),
        )
        return arrays.logical_and(outside, usable)

    def check_dtype(self, name: str, dtype) -> None:
        """Checks that labels are numbers.

        Args:
            name: String, the task.
            dtype: NumPy dtype, dtype of a backend, or the name of one.

        Raises:
            ValueError: If the type is not numeric.
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
            ValueError: If `shape` does not fit this spec.
        """
        shape = tuple(shape)
        accepted = [self.shape]
        if not self.shape:
            accepted.append((1,))
        elif self.shape == (1,):
            accepted.append(())
        if shape and any(_fits(one, shape[1:]) for one in accepted):
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
        self.check_shape(name, label.shape)
        illegal = self.invalid(label)
        if illegal.any():
            present = label[self.present(label)]
            first = int(np.argwhere(illegal)[0][0])
            raise ValueError(
                f"{self.range_message(name)} Received: labels from "
                f"{present.min()} to {present.max()}, dtype {label.dtype}; "
                f"the first illegal one is example {first}: "
                f"{label[first].tolist()}. {self.range_repair()}"
            )

    def range_message(self, name: str) -> str:
        """Returns the first sentence of an error about illegal labels."""
        marker = "NaN" if self.missing == "nan" else self.missing
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        if self.rule == "box_xyxy":
            return (
                f"Task {name!r} expects boxes as x1, y1, x2, y2 in "
                f"[{low}, {high}] with x1 <= x2 and y1 <= y2, or {marker} "
                "where the label is missing."
            )
        if self.rule == "objects":
            return (
                f"Task {name!r} expects objects as x1, y1, x2, y2 in [0, 1] "
                f"and a class number from 0 to {high:g}, -1 for no object, or "
                f"{marker} where the label is missing."
            )
        if self.rule == "time_event":
            return (
                f"Task {name!r} expects a time of at least {low} and an event "
                f"of 0 or 1, or {marker} where the label is missing."
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
        """Returns the most likely fix of illegal labels."""
        if self.rule in ("box_xyxy", "objects"):
            return (
                "If the boxes are in pixels, divide them by the image's width "
                "and height; if they are x, y, width, height, convert them."
            )
        if self.rule == "time_event":
            return "Write 1 for an event that happened then, else 0."
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


def _fits(expected, received) -> bool:
    return len(expected) == len(received) and all(
        e is None or r is None or e == r
        for e, r in zip(expected, received, strict=True)
    )
