"""A matrix of relations between tasks."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

from mtl_keras.messages import listed, unknown


@dataclasses.dataclass(frozen=True, eq=False)
class Relations:
    """How much each task has to do with each other one.

    Args:
        names: Sequence of strings, the tasks, each once.
        matrix: Array of shape `(tasks, tasks)`. Row i, column j is the
            relation of task i to task j; in a matrix that is not symmetric,
            the effect of i on j. NaN where it is undefined.
        measure: String, the name of the measure.
        is_signed: Boolean, whether a negative value is a conflict, as of
            gradients, rather than a relation like any other, as of labels of
            which one falls where the other rises. Defaults to `True`.

    Raises:
        ValueError: If the matrix does not fit the names.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    measure: str = "relation"
    is_signed: bool = True

    def __post_init__(self):
        names = tuple(self.names)
        matrix = np.array(self.matrix)
        if matrix.dtype.kind not in "fiub":
            raise ValueError(
                "`matrix` must be numbers, NaN where one is undefined. "
                f"Received: dtype {matrix.dtype}"
            )
        matrix = matrix.astype("float64")
        if len(set(names)) < len(names) or not names:
            raise ValueError(
                "`names` must be one or more tasks, each once. Received: "
                f"{listed(names)}"
            )
        if matrix.shape != (len(names), len(names)):
            raise ValueError(
                "`matrix` must have a row and a column for each of the "
                f"{len(names)} tasks {listed(names)}. Received: matrix of "
                f"shape {matrix.shape}"
            )
        matrix.flags.writeable = False
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "matrix", matrix)

    def between(self, first: str, second: str) -> float:
        """Returns the relation of one task to another.

        Args:
            first: String, a task: the row.
            second: String, a task: the column.

        Raises:
            ValueError: If a task is unknown.
        """
        return float(self.matrix[self._place(first), self._place(second)])

    def only(self, names: Iterable[str]) -> "Relations":
        """Returns the relations among some of the tasks, in that order.

        Raises:
            ValueError: If a task is unknown.
        """
        names = [names] if isinstance(names, str) else list(names)
        places = [self._place(name) for name in names]
        return dataclasses.replace(
            self, names=names, matrix=self.matrix[np.ix_(places, places)]
        )

    def strengths(self) -> np.ndarray:
        """Returns the matrix, without signs where a sign is no conflict."""
        return self.matrix if self.is_signed else np.abs(self.matrix)

    def undefined(self) -> list[tuple[str, str]]:
        """Lists the pairs of different tasks whose relation is NaN."""
        places = np.argwhere(~np.isfinite(self.matrix))
        return [(self.names[i], self.names[j]) for i, j in places if i != j]

    def check_defined(self) -> None:
        """Raises an error if the relation of a pair is undefined.

        Raises:
            ValueError: Names the first pair.
        """
        pairs = self.undefined()
        if pairs:
            raise ValueError(
                f"The relation ({self.measure}) of {pairs[0][0]!r} and "
                f"{pairs[0][1]!r} is undefined, of {len(pairs)} ordered pairs "
                "in all. Leave such tasks out by `relations.only(names)`."
            )

    def to_dict(self) -> dict[str, dict[str, float | None]]:
        """Returns plain data for JSON or a data frame: row, column, value."""
        return {
            name: {
                other: None if math.isnan(value) else float(value)
                for other, value in zip(self.names, row, strict=True)
            }
            for name, row in zip(self.names, self.matrix, strict=True)
        }

    def to_markdown(self, digits: int | None = None) -> str:
        """Writes the matrix as a table of Markdown.

        Args:
            digits: Integer, digits behind the point. Defaults to 2, or more
                where all relations of different tasks are below 0.1.
        """
        from mtl_keras.comparison import table

        if digits is None:
            is_other = ~np.eye(len(self.names), dtype=bool)
            values = np.abs(self.matrix[is_other])
            largest = values[np.isfinite(values)].max(initial=0.0)
            small = 1e-9 < largest < 0.1
            digits = 1 + math.ceil(-math.log10(largest)) if small else 2

        rows = [
            [self.measure, *self.names],
            ["---", *["---:"] * len(self.names)],
        ]
        for name, row in zip(self.names, self.matrix, strict=True):
            rows.append([name, *(table.figure(v, digits) for v in row)])
        return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"

    def _place(self, name):
        if name not in self.names:
            raise ValueError(unknown("task", name, self.names))
        return self.names.index(name)
