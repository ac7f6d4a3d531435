"""How much each of several data sets is drawn, and in which order."""

import math
import numbers

import numpy as np
import tensorflow as tf

from mtl_keras.messages import did_you_mean, listed, unknown

_NAMES = ("size", "uniform")
_RULES = ("temperature", "annealed")
# The golden ratio: the multiples of no other number spread as evenly over an
# interval, however long or short a piece of the sequence (Weyl, 1916).
_STEP = (math.sqrt(5) - 1) / 2


class Proportions:
    """The shares of several data sets over the time of a run.

    Draws follow a quota, not a die: after any number of them each data set
    was drawn its share of times, up to about three draws.

    Args:
        given: `"size"`; `"uniform"`; `{"temperature": T}`, in proportion to
            `size ** (1 / T)`, 1 being `"size"` and a large number nearly
            `"uniform"`; `{"annealed": (first, last, epochs)}`, a temperature
            that moves evenly from the first to the last in that many epochs
            and stays there; or a dict of data set name to its share, any
            numbers that are not negative.
        sizes: Dict of data set name to its number of examples.
        seed: Integer, where the sequence of draws starts.

    Raises:
        ValueError: If `given` is none of these or does not name every data
            set.
    """

    def __init__(self, given, sizes: dict, seed: int):
        self.names = tuple(sizes)
        self._logs = np.log(np.array(list(sizes.values()), np.float64))
        self._shares, self._annealed = None, None
        self._start = np.random.default_rng([seed, 0x5A]).uniform()
        self._read(given)

    @property
    def is_annealed(self) -> bool:
        """Whether the shares change from epoch to epoch."""
        return self._annealed is not None

    def shares(self, epochs):
        """Tells each data set's share at times of a run.

        Args:
            epochs: float64 tensor of shape `(n,)`, epochs since the start, with
                fractions.

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
        """Tells which data set the draws of a run take.

        Args:
            numbers: int64 tensor of shape `(n,)`, the draws' numbers since
                the start of the run.
            epochs: float64 tensor of shape `(n,)`, as for `shares`.

        Returns:
            int64 tensor of shape `(n,)`, the data sets' positions in `names`.
        """
        point = self._start + tf.cast(numbers, tf.float64) * _STEP
        point -= tf.floor(point)
        ends = tf.cumsum(self.shares(epochs), axis=1)[:, :-1]
        # The last end is 1 but for rounding, and is left out.
        passed = tf.cast(point[:, None] >= ends, tf.int64)
        return tf.reduce_sum(passed, axis=1)

    def _read(self, given):
        if isinstance(given, str):
            if given not in _NAMES:
                self._refuse(given, did_you_mean(given, _NAMES))
            self._set_temperature(1.0 if given == "size" else math.inf, given)
        elif not isinstance(given, dict) or not given:
            self._refuse(given)
        elif set(given) == {"temperature"} and not self._is_named(given):
            self._set_temperature(given["temperature"], given)
        elif set(given) == {"annealed"} and not self._is_named(given):
            self._set_annealed(given["annealed"], given)
        else:
            self._set_shares(given)

    def _is_named(self, given):
        return set(given) <= set(self.names)

    def _set_temperature(self, temperature, given):
        if not (_is_number(temperature) and temperature > 0):
            self._refuse(given, " A temperature is a number above 0.")
        weights = np.exp((self._logs - self._logs.max()) / temperature)
        self._shares = weights / weights.sum()

    def _set_annealed(self, annealed, given):
        is_triple = isinstance(annealed, tuple | list) and len(annealed) == 3
        if not (
            is_triple
            and all(
                _is_number(value) and 0 < value < math.inf for value in annealed
            )
        ):
            self._refuse(
                given,
                " Annealing takes three numbers above 0: the first and the "
                "last temperature, and the epochs between them.",
            )
        self._annealed = tuple(float(value) for value in annealed)

    def _set_shares(self, given):
        for name in given:
            if name not in self.names:
                what = "data set in `proportions`"
                raise ValueError(unknown(what, name, self.names, given))
        missing = [name for name in self.names if name not in given]
        if missing:
            raise ValueError(
                "`proportions` must name every data set; it lacks "
                f"{listed(missing)}. Give 0 to one that is not to be drawn. "
                f"Received: proportions={given!r}"
            )
        if not all(
            _is_number(share) and 0 <= share < math.inf
            for share in given.values()
        ):
            self._refuse(given, " Shares are numbers of at least 0.")
        total = math.fsum(given.values())
        if not total > 0:
            raise ValueError(
                "The shares of `proportions` must sum to more than 0. "
                f"Received: proportions={given!r}"
            )
        shares = [given[name] / total for name in self.names]
        self._shares = np.array(shares, np.float64)

    def _refuse(self, given, hint=""):
        raise ValueError(
            "`proportions` must be 'size', 'uniform', {'temperature': T}, "
            "{'annealed': (first, last, epochs)} or a dict of data set name "
            f"to share.{hint} Received: proportions={given!r}"
        )


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
