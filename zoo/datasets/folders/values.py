"""Cells of label files as labels."""

import math

from zoo.datasets.folders.records import Damage
from zoo.datasets.folders.rows import is_missing

_YES = ("1", "1.0", "true", "yes", "y")
_NO = ("0", "0.0", "false", "no", "n")
# Annotation programs round to a neighbouring pixel.
_SLACK_PIXELS = 2.0
_SLACK = 0.01


def text(value) -> str:
    """Reads a class or a word; a whole number becomes its digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise Damage(
            f"Expected a text. Received: a {type(value).__name__}, "
            f"{str(value)[:40]!r}"
        )
    return str(value).strip()


def number(value, what: str = "a number") -> float | None:
    """Reads a finite number, `None` where it is missing.

    Raises:
        Damage: If the cell holds something else.
    """
    if is_missing(value) or str(value).strip().lower() == "nan":
        return None
    try:
        # A boolean is 0 or 1; `float` would take "1_000" for a number.
        parsed = math.nan if "_" in str(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        parsed = math.nan
    if not math.isfinite(parsed):
        raise Damage(f"Expected {what}. Received: {str(value)[:40]!r}")
    return parsed


def presence(value) -> int | None:
    """Reads yes or no as 1 or 0, `None` where it is missing.

    Raises:
        Damage: If the cell holds something else.
    """
    if is_missing(value):
        return None
    word = str(value).strip().lower()
    if word in _YES:
        return 1
    if word in _NO:
        return 0
    raise Damage(
        f"Expected 0 or 1, yes or no, true or false. Received: {word[:40]!r}"
    )


def box(corners, size=None) -> tuple[float, float, float, float]:
    """Checks a box and brings it to fractions of the image.

    Args:
        corners: Four floats, `x1, y1, x2, y2`.
        size: Pair of the image's width and height where the corners are in
            pixels. Defaults to `None`: they are fractions.

    Returns:
        Tuple of four floats in [0, 1].

    Raises:
        Damage: If the box is empty or turned, or is not inside the image.
    """
    x1, y1, x2, y2 = corners
    if not (x1 < x2 and y1 < y2):
        raise Damage(
            "Expected a box with x1 < x2 and y1 < y2. Received: "
            f"{_written(corners)}"
        )
    width, height = size or (1.0, 1.0)
    slack = (_SLACK, _SLACK)
    if size is not None:
        slack = tuple(max(_SLACK_PIXELS, _SLACK * side) for side in size)
    if (
        min(x1 + slack[0], y1 + slack[1]) < 0
        or x2 > width + slack[0]
        or y2 > height + slack[1]
        or x1 >= width
        or y1 >= height
    ):
        unit = "fractions from 0 to 1"
        if size is not None:
            unit = f"the image's {width:g} x {height:g} pixels"
        raise Damage(
            f"Expected a box within {unit}. Received: {_written(corners)}"
        )
    return (
        max(0.0, x1 / width),
        max(0.0, y1 / height),
        min(1.0, x2 / width),
        min(1.0, y2 / height),
    )


def _written(corners):
    return ", ".join(f"{corner:g}" for corner in corners)
