"""Arithmetic on the tasks' gradients, kept as one tensor a variable.

`Rows` has the interface that the combination of gradients uses;
`group_rows.GroupedRows` and `group_rows.StackedRows` have it as well.

A row is one task's gradient: a list with a tensor for each variable (or
frontier tensor), `None` where the task does not reach it. Rows are never
copied into one long matrix where a Gramian is all that a method reads.
"""

import math

import numpy as np
from keras import ops


class Rows:
    """The gradients of tasks, each of them held by itself.

    Args:
        rows: List of rows.
    """

    def __init__(self, rows: list[list]):
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def each(self) -> list[list]:
        """Returns the rows."""
        return self._rows

    def without_absent(self, present) -> "Rows":
        """Replaces the rows of absent tasks by zeros."""
        return Rows(without_absent(self._rows, present))

    def gramian(self):
        """Computes the inner products of the rows."""
        return gramian(self._rows)

    def mixed(self, weights) -> list:
        """Adds the rows up, each with a weight."""
        return mixed(self._rows, weights)

    def flat(self, sizes: list[int] | None = None):
        """Writes the rows as a matrix.

        Args:
            sizes: List of integers, how many numbers each tensor holds;
                `None` leaves out the tensors that no row has.
        """
        if sizes is not None:
            return flat(self._rows, sizes)
        columns = [
            column
            for column in zip(*self._rows, strict=True)
            if any(tensor is not None for tensor in column)
        ]
        sizes = [
            max(math.prod(t.shape) for t in column if t is not None)
            for column in columns
        ]
        return flat([list(row) for row in zip(*columns, strict=True)], sizes)

    def pulled(self, pullbacks, pull) -> "Rows":
        """Pulls each row back through the trunk, one after the other.

        A compiler would run several at a time, each with the activations'
        gradients of its own: at 40 tasks five times the memory.

        Args:
            pullbacks: `Pullbacks`.
            pull: Its `trunk` or `last`.

        Returns:
            `Rows`, the gradients of the variables.
        """
        if pull is pullbacks.last:
            return Rows([pull(row) for row in self._rows])
        jacobian = []
        for row in self._rows:
            if jacobian:
                row = pullbacks.after(row, jacobian[-1])
            jacobian.append(pullbacks.dense(pull(row)))
        return Rows(jacobian)

    def largest(self, place: int):
        """Computes the largest of the rows' tensors at a place."""
        value, *others = [row[place] for row in self._rows]
        for other in others:
            value = ops.maximum(value, other)
        return value

    def without(self, places) -> "Rows":
        """Leaves out the tensors at some places."""
        return Rows(
            [
                [None if i in places else t for i, t in enumerate(row)]
                for row in self._rows
            ]
        )


def without_absent(rows: list[list], present) -> list[list]:
    """Replaces the rows of absent tasks by zeros.

    Where a head has an infinite derivative, the gradient of its absent task
    is 0 times infinity; a weight of 0 would not remove that.

    Args:
        rows: List of rows.
        present: float32 tensor of shape `(num_rows,)`, 0 for an absent task.

    Returns:
        List of rows.
    """
    return [
        [
            None
            if tensor is None
            else ops.where(present[k] > 0, tensor, ops.zeros_like(tensor))
            for tensor in row
        ]
        for k, row in enumerate(rows)
    ]


def gramian(rows: list[list]):
    """Computes the inner products of the rows.

    Args:
        rows: List of rows.

    Returns:
        float32 tensor of shape `(num_rows, num_rows)`.
    """
    total = ops.zeros((len(rows), len(rows)), "float32")
    for stacked, readers in _columns(rows):
        part = ops.matmul(stacked, ops.transpose(stacked))
        if len(readers) < len(rows):
            place = np.eye(len(rows), dtype="float32")[readers]
            part = ops.matmul(ops.matmul(place.T, part), place)
        total = total + part
    return total


def mixed(rows: list[list], weights) -> list:
    """Adds the rows up, each with a weight.

    Args:
        rows: List of rows.
        weights: float32 tensor of shape `(num_rows,)`.

    Returns:
        List of tensors of the rows' shapes and types; `None` where no row has
        one.
    """
    result = []
    for column in zip(*rows, strict=True):
        tensors = [(k, t) for k, t in enumerate(column) if t is not None]
        if not tensors:
            result.append(None)
            continue
        dtype = tensors[0][1].dtype
        parts = [weights[k] * ops.cast(t, "float32") for k, t in tensors]
        result.append(ops.cast(sum(parts[1:], parts[0]), dtype))
    return result


def total(row: list, other: list) -> list:
    """Adds two rows up.

    Args:
        row: List of tensors, or `None` where it does not reach one.
        other: List of the same tensors.

    Returns:
        List of tensors, or `None` where neither has one.
    """
    return [
        a if b is None else b if a is None else a + b
        for a, b in zip(row, other, strict=True)
    ]


def flat(rows: list[list], sizes: list[int]):
    """Writes rows as a matrix.

    Args:
        rows: List of rows.
        sizes: List of integers, how many numbers each tensor holds.

    Returns:
        float32 tensor of shape `(num_rows, sum(sizes))`.
    """
    return ops.stack(
        [
            ops.concatenate(
                [
                    ops.zeros((size,), "float32")
                    if tensor is None
                    else ops.reshape(ops.cast(tensor, "float32"), (size,))
                    for tensor, size in zip(row, sizes, strict=True)
                ]
            )
            for row in rows
        ]
    )


def unflat(vector, shapes: list[tuple]) -> list:
    """Reads a vector as tensors of given shapes.

    Args:
        vector: Tensor of shape `(num_parameters,)`.
        shapes: List of tuples of integers.

    Returns:
        List of tensors.
    """
    tensors, start = [], 0
    for shape in shapes:
        size = math.prod(shape)
        tensors.append(ops.reshape(vector[start : start + size], shape))
        start += size
    return tensors


# How many numbers of each row are copied at a time: a copy of all rows would
# double what the step keeps.
_CHUNK = 65_536


def _columns(rows):
    for column in zip(*rows, strict=True):
        readers = [k for k, tensor in enumerate(column) if tensor is not None]
        if not readers:
            continue
        tensors = [column[k] for k in readers]
        size = math.prod(s if s is not None else 0 for s in tensors[0].shape)
        tensors = [ops.reshape(t, (-1,)) for t in tensors]
        # A frontier's size depends on the batch; it is copied whole.
        for start in range(0, max(size, 1), _CHUNK):
            part = tensors
            if size > _CHUNK:
                part = [t[start : start + _CHUNK] for t in tensors]
            stacked = ops.stack([ops.cast(t, "float32") for t in part])
            yield stacked, readers
