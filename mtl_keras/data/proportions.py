"""The proportions in which several data sets are drawn, and the order."""

import math
import numbers

import numpy as np
import tensorflow as tf

from mtl_keras.messages import did_you_mean, listed, unknown

_NAMES = ("size", "uniform")
_RULES = ("temperature", "annealed")
# The golden ratio: its multiples, modulo 1, spread most evenly over [0, 1), in
# any part of the sequence (Weyl, 1916).
_STEP = (math.sqrt(5) - 1) / 2


class Proportions:
    """The proportions of several data sets in the course of a run.

    Draws follow a quota, not chance: after any number of draws each data set
    has been drawn its fraction of them, within about three draws.

    Args:
        proportions: `"size"`; `"uniform"`; `{"temperature": T}`, proportional
            to `size ** (1 / T)`, where 1 is `"size"` and a large number is
            nearly `"uniform"`; `{"annealed": (first, last, epochs)}`, a
            temperature that changes linearly from the first to the last in
            that many epochs and then stays; or a dict of data set name to any
            number of at least 0, normalised to fractions.
        sizes: Dict of data set name to its number of examples.
        seed: Integer, where the sequence of draws starts.

    Raises:
        ValueError: If `proportions` is anything else or does not name every
            data set.
    """

    def __init__(self, proportions, sizes: dict, seed: int):
        self.names = tuple(sizes)
        self._logs = np.log(np.array(list(sizes.values()), np.float64))
        self._shares, self._annealed = None, None
        self._start = np.random.default_rng([seed, 0x5A]).uniform()
        self._read(proportions)

    @property
    def is_annealed(self) -> bool:
        """Whether the proportions change from epoch to epoch."""
        return self._annealed is not None

    def shares(self, epochs):
        """Computes each data set's fraction at times of a run.

        Args:
            epochs: float64 tensor of shape `(n,)`, epochs since the start, not
                necessarily whole.

        Returns:
            float64 tensor of shape `(n, num_data_sets)`; rows sum to 1.
        """
        epochs = tf.convert_to_tensor(epochs, tf.float64)
        if self._shares is not None:
            row = tf.constant(self._shares, tf.float64)
            return tf.tile(row[None], [tf.size(epochs), 1])
        first, last, length = self._annealed
        progress = tf.clip_by_value(epochs / length, 0.0, 1.0)
        temperature = first + (last - first) * progress
        return tf.nn.softmax(self._logs[None] / temperature[:, None])

    def draw(self, numbers, epochs):
        """Computes which data sets the draws of a run take.

        Args:
            numbers: int64 tensor of shape `(n,)`, the indices of the draws
                since the start of the run.
            epochs: float64 tensor of shape `(n,)`, as for `shares`.

        Returns:
            int64 tensor of shape `(n,)`, the data sets' positions in `names`.
        """
        point = self._start + tf.cast(numbers, tf.float64) * _STEP
        point -= tf.floor(point)
        ends = tf.cumsum(self.shares(epochs), axis=1)[:, :-1]
        # The last end, 1 up to rounding, is left out.
        passed = tf.cast(point[:, None] >= ends, tf.int64)
        return tf.reduce_sum(passed, axis=1)

    def _read(self, value):
        if isinstance(value, str):
            if value not in _NAMES:
                self._refuse(value, did_you_mean(value, _NAMES))
            self._set_temperature(1.0 if value == "size" else math.inf, value)
        elif not isinstance(value, dict) or not value:
            self._refuse(value)
        elif set(value) == {"temperature"} and not self._is_named(value):
            self._set_temperature(value["temperature"], value)
        elif set(value) == {"annealed"} and not self._is_named(value):
            self._set_annealed(value["annealed"], value)
        else:
            self._set_shares(value)

    def _is_named(self, value):
        return set(value) <= set(self.names)

    def _set_temperature(self, temperature, value):
        if not (_is_number(temperature) and temperature > 0):
            self._refuse(value, " A temperature is a number above 0.")
        weights = np.exp((self._logs - self._logs.max()) / temperature)
        self._shares = weights / weights.sum()

    def _set_annealed(self, annealed, value):
        is_triple = isinstance(annealed, tuple | list) and len(annealed) == 3
        if not (
            is_triple
            and all(
                _is_number(item) and 0 < item < math.inf for item in annealed
            )
        ):
            self._refuse(
                value,
                " Annealing takes three numbers above 0: first temperature, "
                "last temperature and epochs between them.",
            )
        self._annealed = tuple(float(item) for item in annealed)

    def _set_shares(self, value):
        for name in value:
            if name not in self.names:
                what = "data set in `proportions`"
                raise ValueError(unknown(what, name, self.names, value))
        missing = [name for name in self.names if name not in value]
        if missing:
            raise ValueError(
                "`proportions` must name every data set; it lacks "
                f"{listed(missing)}. Use 0 for a data set that is not drawn. "
                f"Received: proportions={value!r}"
            )
        if not all(
            _is_number(item) and 0 <= item < math.inf for item in value.values()
        ):
            self._refuse(value, " Fractions are numbers of at least 0.")
        total = math.fsum(value.values())
        if not total > 0:
            raise ValueError(
                "The values of `proportions` must sum to more than 0. "
                f"Received: proportions={value!r}"
            )
        fractions = [value[name] / total for name in self.names]
        self._shares = np.array(fractions, np.float64)

    def _refuse(self, value, hint=""):
        raise ValueError(
            "`proportions` must be 'size', 'uniform', {'temperature': T}, "
            "{'annealed': (first, last, epochs)} or a dict of data set name "
            f"to fraction.{hint} Received: proportions={value!r}"
        )


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
