"""Codes of dates: how long ago, the season and the day of the week."""

import datetime
import math

import numpy as np
import tensorflow as tf

NUM_FEATURES = 6
_FORMAT = r"\d{4}-\d{2}-\d{2}([T ].*)?"
_YEAR = 365.2425
# The Monday that weekdays are counted from, in days since 1970.
_MONDAY = -3


def days(text: str) -> float:
    """Counts the days from 1970 to a date.

    Args:
        text: String, `YYYY-MM-DD`, with or without a time of day behind it.

    Returns:
        Float, NaN where the string is no date.
    """
    try:
        date = datetime.date.fromisoformat(text.strip()[:10])
    except ValueError:
        return math.nan
    return float(date.toordinal() - datetime.date(1970, 1, 1).toordinal())


def statistics(values) -> tuple[float, float]:
    """Measures a column of dates.

    Args:
        values: Sequence of strings.

    Returns:
        Pair of floats, mean and deviation of the days since 1970; NaN for both
        where no string is a date.
    """
    numbers = np.array(
        [days(v.decode() if isinstance(v, bytes) else str(v)) for v in values]
    )
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return math.nan, math.nan
    return float(numbers.mean()), float(numbers.std())


def looks_like_dates(values) -> bool:
    """Tells whether all strings that are not empty are dates.

    Args:
        values: Sequence of strings.

    Returns:
        Boolean; `False` where all are empty.
    """
    texts = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
    texts = [text for text in texts if text.strip()]
    return bool(texts) and all(math.isfinite(days(text)) for text in texts)


def encode(values, mean: float, deviation: float, limit: float):
    """Computes the code of dates.

    Args:
        values: String tensor of shape `(...)`.
        mean: Float, in days since 1970.
        deviation: Float above 0, in days.
        limit: Float, the largest distance from the mean in deviations.

    Returns:
        float32 tensor of shape `(..., 6)`: the standardised date; whether it
        is missing, as what is not `YYYY-MM-DD` is; sine and cosine of the day
        of the year; sine and cosine of the day of the week.
    """
    values = tf.strings.strip(values)
    is_date = tf.strings.regex_full_match(values, _FORMAT)
    text = tf.where(is_date, values, "1970-01-01")
    year, month, day = (
        tf.strings.to_number(tf.strings.substr(text, start, length), tf.int32)
        for start, length in ((0, 4), (5, 2), (8, 2))
    )
    is_date &= (year > 0) & (month > 0) & (month <= 12) & (day > 0)
    is_date &= day <= _length(year, tf.clip_by_value(month, 1, 12))
    number = tf.cast(_days(year, month, day), tf.float32)
    scaled = tf.clip_by_value((number - mean) / deviation, -limit, limit)
    parts = [scaled, tf.zeros_like(scaled)]
    for length, start in ((_YEAR, 0), (7.0, _MONDAY)):
        angle = tf.math.floormod(number - start, length)
        angle *= 2 * math.pi / length
        parts += [tf.sin(angle), tf.cos(angle)]
    code = tf.stack(parts, -1)
    missing = tf.constant([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    return tf.where(is_date[..., None], code, missing)


def _length(year, month):
    """Returns the days of a month."""
    lengths = tf.constant([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    extra = tf.cast(leap & tf.equal(month, 2), tf.int32)
    return tf.gather(lengths, month - 1) + extra


def _days(year, month, day):
    """Counts the days since 1970 in the Gregorian calendar."""
    # March is the first month, so that the leap day is the last of a year.
    shifted = (month + 9) % 12
    year = year - shifted // 10
    days_of_years = 365 * year + year // 4 - year // 100 + year // 400
    return days_of_years + (shifted * 306 + 5) // 10 + day - 1 - 719468
