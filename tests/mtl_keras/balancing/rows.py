"""Rows of gradients on which methods are tried."""

import numpy as np


def families(num_rows, seed=0):
    """Names and float32 matrices: independent, conflicting, degenerate."""
    rng = np.random.default_rng(seed)
    size = 3 * num_rows
    dimensions = {
        "1 dimension": 1,
        "2 dimensions": 2,
        "3 dimensions": 3,
        "as many dimensions": num_rows,
        "2 dimensions more": num_rows + 2,
        "1000 dimensions": 1000,
    }
    found = {
        name: rng.normal(size=(num_rows, columns))
        for name, columns in dimensions.items()
    }
    rows = rng.normal(size=(num_rows, size))
    half = max(num_rows // 2, 1)
    found["conflicting"] = rows - 0.8 * rows.mean(axis=0)
    found["duplicates"] = rows[rng.integers(0, half, num_rows)]
    found["opposite pair"] = np.concatenate([rows[:-1], -rows[:1]])
    found["all opposed"] = np.concatenate([rows[:half], -rows[:half]])
    noise = rng.normal(size=(num_rows, size))
    found["nearly alike"] = found["duplicates"] + 1e-3 * noise
    found["a zero row"] = rows * (np.arange(num_rows) > 0)[:, None]
    found["a row 1e8 times the rest"] = (
        rows * np.where(np.arange(num_rows) == 0, 1e8, 1.0)[:, None]
    )
    lengths = 10.0 ** rng.uniform(-4, 4, size=(num_rows, 1))
    found["lengths of all kinds"] = rows * lengths
    return {name: rows.astype("float32") for name, rows in found.items()}


FAMILIES = tuple(families(2))
# Those with a positive combination that gains for each row.
WELL_POSED = (
    "1000 dimensions",
    "conflicting",
    "duplicates",
    "nearly alike",
    "lengths of all kinds",
)


def cosines(rows):
    """The unit rows' products, in float64 from the float32 Gramian."""
    gramian = (rows @ rows.T).astype("float64")
    lengths = np.sqrt(np.diag(gramian))
    safe = np.where(lengths > 0, lengths, 1.0)
    return gramian / safe[:, None] / safe[None, :], lengths
