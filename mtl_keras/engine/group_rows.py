"""Rows of a group of tasks, which are never written out one by one.

Where the last dense layer of a group reads features `h`, member `k` has the
scores `h @ w_k`; with `g_k` the gradient of its loss there, of shape
`(batch, units)`, its row is `g_k @ w_k.T`. So inner products of rows are
products of the small factors, and a weighted sum of rows is one product of
matrices: at 1,000 members the rows themselves would be a thousand times the
features of the batch.
"""

import dataclasses
import math

import numpy as np
from keras import ops

from mtl_keras.engine import rows as rows_of

# Up to so many rows are pulled back one by one, as those of separate heads: a
# loop would run convolutions on one thread under XLA for CPUs.
_MOST_UNROLLED = 16


@dataclasses.dataclass(frozen=True, eq=False)
class GroupBlock:
    """The rows of one group.

    Args:
        slopes: float32 tensor of shape `(members, batch, units)`, the
            gradients of the members' losses in their scores.
        kernel: float32 tensor of shape `(members, features, units)`.
        place: Integer, which tensor of the frontier the group reads; `None`
            where no gradient flows back from it.
        width: Integer, how many tensors the frontier has.
        dtype: Type of that tensor.
    """

    slopes: object
    kernel: object
    place: int | None
    width: int
    dtype: object

    def __len__(self):
        return self.slopes.shape[0]

    def row(self, slopes, kernel) -> list:
        """Writes out one row.

        Args:
            slopes: Tensor of shape `(batch, units)`, a member's.
            kernel: Tensor of shape `(features, units)`, the member's.

        Returns:
            List of tensors, `None` where the group does not read.
        """
        row = [None] * self.width
        if self.place is not None:
            tensor = ops.matmul(slopes, ops.transpose(kernel))
            row[self.place] = ops.cast(tensor, self.dtype)
        return row

    def without_absent(self, present) -> "GroupBlock":
        """Replaces the rows of absent members by zeros."""
        slopes = ops.where(present[:, None, None] > 0, self.slopes, 0.0)
        return dataclasses.replace(self, slopes=slopes)

    def gramian_with(self, other: "GroupBlock"):
        """Computes the inner products with the rows of a group.

        Args:
            other: `GroupBlock`.

        Returns:
            float32 tensor of shape `(len(self), len(other))`.
        """
        if self.place is None or self.place != other.place:
            return ops.zeros((len(self), len(other)), "float32")
        total = 0.0
        for unit in range(self.slopes.shape[2]):
            for other_unit in range(other.slopes.shape[2]):
                of_slopes = _products(
                    self.slopes[:, :, unit], other.slopes[:, :, other_unit]
                )
                of_kernels = _products(
                    self.kernel[:, :, unit], other.kernel[:, :, other_unit]
                )
                total = total + of_slopes * of_kernels
        return total

    def products_with(self, row):
        """Computes the inner products with one row.

        Args:
            row: List of tensors.

        Returns:
            float32 tensor of shape `(len(self), 1)`.
        """
        if self.place is None or row[self.place] is None:
            return ops.zeros((len(self), 1), "float32")
        tensor = ops.cast(row[self.place], "float32")
        # Of shape `(members, batch, units)`, as the slopes.
        scores = ops.matmul(tensor[None], self.kernel)
        return ops.sum(self.slopes * scores, axis=(1, 2))[:, None]

    def mixed(self, weights):
        """Adds the rows up, each with a weight; a tensor of the frontier."""
        slopes = weights[:, None, None] * self.slopes
        axes = (1, 0, 2)
        batch, kernel = ops.transpose(slopes, axes), self.kernel
        units = math.prod((len(self), kernel.shape[2]))
        batch = ops.reshape(batch, (-1, units))
        kernel = ops.reshape(ops.transpose(kernel, axes), (-1, units))
        return ops.matmul(batch, ops.transpose(kernel))


def _products(one, other):
    return ops.matmul(one, ops.transpose(other))


class GroupedRows:
    """Rows of the frontier, those of groups among them.

    Args:
        parts: List, in the order of the rows, of a row (a list of tensors) or
            a `GroupBlock`.
    """

    def __init__(self, parts: list):
        self._parts = parts
        sizes = [_size(part) for part in parts]
        starts = np.cumsum([0, *sizes])
        self._places = [
            slice(int(start), int(start) + size)
            for start, size in zip(starts[:-1], sizes, strict=True)
        ]
        self._single = [
            (place.start, part)
            for place, part in zip(self._places, parts, strict=True)
            if isinstance(part, list)
        ]
        self._blocks = [
            (place, part)
            for place, part in zip(self._places, parts, strict=True)
            if isinstance(part, GroupBlock)
        ]

    def __len__(self):
        return self._places[-1].stop

    def each(self) -> list[list]:
        """Writes out every row."""
        rows = []
        for part in self._parts:
            if isinstance(part, list):
                rows.append(part)
                continue
            rows += [
                part.row(part.slopes[k], part.kernel[k])
                for k in range(len(part))
            ]
        return rows

    def without_absent(self, present) -> "GroupedRows":
        """Replaces the rows of absent tasks by zeros."""
        return GroupedRows(
            [
                rows_of.without_absent([part], present[place])[0]
                if isinstance(part, list)
                else part.without_absent(present[place])
                for place, part in zip(self._places, self._parts, strict=True)
            ]
        )

    def gramian(self):
        """Computes the inner products of the rows."""
        single = [row for _, row in self._single]
        blocks = [block for _, block in self._blocks]
        lines = []
        if single:
            lines.append(
                [
                    rows_of.gramian(single),
                    *(ops.transpose(_with_single(b, single)) for b in blocks),
                ]
            )
        for number, block in enumerate(blocks):
            # A Gramian is symmetric: half of its blocks are computed.
            before = [ops.transpose(line[len(lines)]) for line in lines]
            after = [block.gramian_with(other) for other in blocks[number:]]
            lines.append([*before, *after])
        whole = ops.concatenate(
            [ops.concatenate(line, axis=1) for line in lines], axis=0
        )
        return self._in_order(whole)

    def _in_order(self, gramian):
        order = [place for place, _ in self._single]
        for place, _ in self._blocks:
            order += range(place.start, place.stop)
        if order == list(range(len(self))):
            return gramian
        places = np.argsort(order).astype("int32")
        return ops.take(ops.take(gramian, places, axis=0), places, axis=1)

    def mixed(self, weights) -> list:
        """Adds the rows up, each with a weight."""
        if self._single:
            places = np.array([place for place, _ in self._single], "int32")
            total = rows_of.mixed(
                [row for _, row in self._single], ops.take(weights, places)
            )
        else:
            total = [None] * self._blocks[0][1].width
        for place, block in self._blocks:
            if block.place is not None:
                more = ops.cast(block.mixed(weights[place]), block.dtype)
                before = total[block.place]
                total[block.place] = more if before is None else before + more
        return total

    def pulled(self, pullbacks, pull):
        """Pulls each row back through the trunk, one after the other.

        Args:
            pullbacks: `Pullbacks`.
            pull: Its `trunk` or `last`.

        Returns:
            `Rows`, or `StackedRows` of many.
        """
        if len(self) <= _MOST_UNROLLED:
            return rows_of.Rows(self.each()).pulled(pullbacks, pull)
        stacks = []
        for part in self._parts:
            if isinstance(part, list):
                stacks.append([g[None] for g in pullbacks.whole(pull, part)])
            else:
                stacks.append(pullbacks.each(pull, part))
        return StackedRows(
            [ops.concatenate(column) for column in zip(*stacks, strict=True)]
        )


def _with_single(block, rows):
    products = [block.products_with(row) for row in rows]
    return ops.concatenate(products, axis=1)


def _size(part) -> int:
    return 1 if isinstance(part, list) else len(part)


class StackedRows:
    """The gradients of many tasks, one tensor with a leading axis a variable.

    Args:
        columns: List of tensors of shape `(rows, ...)`, `None` where no row
            has one.
    """

    def __init__(self, columns: list):
        self._columns = columns

    def without_absent(self, present) -> "StackedRows":
        """Replaces the rows of absent tasks by zeros."""

        def masked(column):
            shape = (-1, *(1 for _ in column.shape[1:]))
            is_present = ops.reshape(present, shape) > 0
            return ops.where(is_present, column, ops.zeros_like(column))

        return StackedRows(
            [c if c is None else masked(c) for c in self._columns]
        )

    def gramian(self):
        """Computes the inner products of the rows."""
        total = 0.0
        for column in self._columns:
            if column is not None:
                matrix = _matrix(column)
                total = total + _products(matrix, matrix)
        return total

    def mixed(self, weights) -> list:
        """Adds the rows up, each with a weight."""
        return [
            None
            if column is None
            else ops.cast(
                ops.reshape(
                    ops.matmul(weights[None], _matrix(column)),
                    tuple(column.shape[1:]),
                ),
                column.dtype,
            )
            for column in self._columns
        ]

    def flat(self, sizes=None):
        """Writes the rows as a matrix.

        Args:
            sizes: List of integers, how many numbers each tensor holds;
                `None` leaves out the tensors that no row has.
        """
        first = next(c for c in self._columns if c is not None)
        return ops.concatenate(
            [
                ops.zeros((first.shape[0], size), "float32")
                if column is None
                else _matrix(column)
                for column, size in zip(
                    self._columns,
                    sizes or [0] * len(self._columns),
                    strict=True,
                )
                if column is not None or sizes is not None
            ],
            axis=1,
        )

    def largest(self, place: int):
        """Computes the largest of the rows' tensors at a place."""
        return ops.max(self._columns[place], axis=0)

    def without(self, places) -> "StackedRows":
        """Leaves out the tensors at some places."""
        return StackedRows(
            [None if i in places else c for i, c in enumerate(self._columns)]
        )


def _matrix(column):
    size = math.prod(column.shape[1:])
    return ops.cast(ops.reshape(column, (column.shape[0], size)), "float32")


def gathered(step_plan, cotangents: dict, slopes: dict, frontier: list):
    """Brings the cotangents of the frontier together, one row a task.

    Args:
        step_plan: `StepPlan`.
        cotangents: Dict, task name to dict, slot to tensor.
        slopes: Dict, group to the gradient of the losses in its scores, of
            shape `(batch, scores)`; `None` of a group without labels.
        frontier: List of tensors, what the heads read.

    Returns:
        `Rows`, or `GroupedRows` where there are groups.
    """
    slots, columns = step_plan.slots, step_plan.columns
    parts = []
    for name in step_plan.tasks:
        if name not in columns:
            parts.append([cotangents[name].get(slot) for slot in slots])
            continue
        one = columns[name]
        place = slots.index(one.slot) if one.slot in slots else None
        parts.append(_block(one, slopes[name], place, frontier))
    return GroupedRows(parts) if columns else rows_of.Rows(parts)


def _block(columns, slopes, place, frontier) -> GroupBlock:
    kernel = columns.kernel("float32")
    num_members = columns.num_members
    units = kernel.shape[1] // num_members
    slopes = ops.cast(slopes, "float32")
    return GroupBlock(
        slopes=ops.transpose(
            ops.reshape(slopes, (-1, num_members, units)), (1, 0, 2)
        ),
        kernel=ops.transpose(
            ops.reshape(kernel, (-1, num_members, units)), (1, 0, 2)
        ),
        place=place,
        width=len(frontier),
        dtype=None if place is None else frontier[place].dtype,
    )
