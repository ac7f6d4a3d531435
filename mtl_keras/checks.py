"""Checks hyperparameters before they reach a formula."""

import math
import numbers


def number(
    argument: str,
    value: object,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Checks that a hyperparameter is a finite number within its range.

    Args:
        argument: String, the argument's name, for the error.
        value: What was given for it.
        low: Number, the least legal value.
        high: Number, the greatest legal value.
        above: Number that `value` must exceed.
        below: Number that `value` must stay under.

    Returns:
        `value` as a float.

    Raises:
        ValueError: If `value` is no number, not finite, or out of range.
    """
    legal = (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (low is None or value >= low)
        and (high is None or value <= high)
        and (above is None or value > above)
        and (below is None or value < below)
    )
    if legal:
        return float(value)
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in (
            (">=", low),
            (">", above),
            ("<=", high),
            ("<", below),
        )
        if bound is not None
    ]
    raise ValueError(
        f"`{argument}` must be a finite number"
        f"{' ' if bounds else ''}{' and '.join(bounds)}. "
        f"Received: {argument}={value!r}"
    )
