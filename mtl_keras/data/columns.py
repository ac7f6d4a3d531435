"""Converts the columns of a table to model inputs."""

import re
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data import (
    column_checks,
    column_statistics,
    date_code,
    quantile_code,
)
from mtl_keras.messages import listed, unknown

# The id of an unknown category, and its place in the one-hot code.
UNKNOWN = 0
# Argument names that TensorFlow 2.21 does not change.
_SERVABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*")
_ENCODINGS = ("one_hot", "id")


@keras.saving.register_keras_serializable(package="mtl_keras")
class ColumnPreprocessor(tf.Module):
    """Converts named columns to a model's input.

    Numbers are standardised, `(x - mean) / deviation`, and clipped to `limit`
    deviations, infinite ones too. NaN is a missing number: it becomes 0, the
    mean, and a second value, the missing indicator, is 1. Categories are
    strings or integers; any value outside the column's vocabulary, such as the
    empty string, is unknown and has its own place. A column of numbers can
    have a code of its quantiles beside the standardised value
    (`quantile_code`). Dates are strings `YYYY-MM-DD`; anything else is missing
    (`date_code`).

    ```python
    preprocessor = ColumnPreprocessor.adapt(
        {"age": [31.0, 54.0], "job": ["nurse", "baker"]}
    )
    inputs, context = preprocessor({"age": [42.5], "job": ["pilot"]})
    inputs["columns"]                # [[0, 0, 1, 0, 0]]
    ```

    The object holds lookup tables, so an export has to track it.

    Args:
        numbers: Dict of column to pair `(mean, deviation)`; a deviation of 0
            (a constant column) counts as 1. Defaults to none.
        categories: Dict of column to a sequence of different values, all
            strings or all integers. Defaults to none.
        quantiles: Dict of a column of numbers to increasing edges of
            intervals. Defaults to none.
        dates: Dict of column to pair `(mean, deviation)` in days since 1970.
            Defaults to none.
        encoding: String, `"one_hot"`, or `"id"` for a model that embeds
            categories: an integer each, 0 for unknown. Defaults to `"one_hot"`.
        limit: Float, the largest distance from the mean, in standard
            deviations. Defaults to 100.
        name: String, the key in the model's inputs. Defaults to `"columns"`.

    Raises:
        ValueError: If there is no column, a column or value is repeated, a
            statistic is not finite, or a value has another type.
    """

    # `data.pipeline` gives it whole batches.
    converts_batches = True

    def __init__(
        self,
        numbers: Mapping | None = None,
        categories: Mapping | None = None,
        encoding: str = "one_hot",
        limit: float = 100.0,
        name: str = "columns",
        *,
        quantiles: Mapping | None = None,
        dates: Mapping | None = None,
    ):
        super().__init__(
            name=checks.input_name("name", name, is_identifier=True)
        )
        # Tuples, not dicts, which a `tf.Module` would wrap and track.
        self._numbers = tuple(
            (column, *column_checks.statistics(column, pair))
            for column, pair in sorted((numbers or {}).items())
        )
        self._categories = tuple(
            (column, column_checks.vocabulary(column, values))
            for column, values in sorted((categories or {}).items())
        )
        self._quantiles = tuple(
            (column, quantile_code.check(column, edges))
            for column, edges in sorted((quantiles or {}).items())
        )
        self._dates = tuple(
            (column, *column_checks.statistics(column, pair))
            for column, pair in sorted((dates or {}).items())
        )
        self.encoding = encoding
        self.limit = checks.number("limit", limit, above=0)
        self._check()
        self._tables = tuple(_table(values) for _, values in self._categories)

    @classmethod
    def adapt(
        cls,
        table,
        categories: Sequence[str] = (),
        *,
        max_values: int = 1000,
        num_quantiles: int = 0,
        **options,
    ) -> "ColumnPreprocessor":
        """Creates a preprocessor from the training examples' columns.

        Args:
            table: Dict of column to array or sequence, one value per
                example, or a pandas `DataFrame`. Columns of strings are
                categories, or dates where all are `YYYY-MM-DD`; those of
                numbers and booleans are numbers. NaN, `None` and the empty
                string are missing values.
            categories: Sequence of names, the columns of integers that are
                categories too.
            max_values: Integer, the size of a category's vocabulary: its most
                frequent values. Defaults to 1000.
            num_quantiles: Integer, the largest number of intervals in the
                code of a number's quantiles. Defaults to 0, no such code.
            **options: Further arguments of the constructor.

        Returns:
            `ColumnPreprocessor`.

        Raises:
            ValueError: If a name in `categories` is not a column, or a column
                is empty or has values of another type.
        """
        columns = {str(name): values for name, values in dict(table).items()}
        for name in categories:
            if name not in columns:
                raise ValueError(unknown("column", name, columns))
        if checks.integer("num_quantiles", num_quantiles, low=0) == 1:
            raise ValueError(
                "`num_quantiles` must be 0, for no code, or at least 2. "
                "Received: num_quantiles=1"
            )
        measured = column_statistics.measure(
            columns, categories, max_values, num_quantiles
        )
        return cls(**measured, **options)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns: numbers, dates and categories."""
        return tuple(
            name
            for name, *_ in (*self._numbers, *self._dates, *self._categories)
        )

    @property
    def num_features(self) -> int:
        """The number of values in `inputs[name]` for an example."""
        return len(self.feature_columns)

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """The column that each value in `inputs[name]` comes from."""
        names = [name for name, *_ in self._numbers]
        # The values, and the missing indicators.
        names = names + names
        for name, edges in self._quantiles:
            names += [name] * (len(edges) - 1)
        for name, *_ in self._dates:
            names += [name] * date_code.NUM_FEATURES
        if self.encoding == "one_hot":
            for name, size in self.num_ids.items():
                names += [name] * size
        return tuple(names)

    @property
    def num_ids(self) -> dict[str, int]:
        """The number of ids of each category, including unknown."""
        return {name: len(values) + 1 for name, values in self._categories}

    def __call__(self, raw):
        """Converts one example or a batch to the model's input.

        Args:
            raw: Dict of column to tensor of shape `()` or `(batch,)`: numbers
                of any numeric type, read as float32; strings or integers.

        Returns:
            Pair `(inputs, context)`; the context is empty. `inputs[name]` is
            float32 of shape `(num_features,)` or `(batch, num_features)`: all
            numbers, then their missing indicators, then the codes of
            quantiles, of dates, and the one-hot codes, each in the order of
            the columns' names (`feature_columns`). With `encoding="id"` there
            are no one-hot codes; `inputs[column]` is int32 of shape `()` or
            `(batch,)` for each category, and `inputs[name]` is absent if
            there are only categories.

        Raises:
            ValueError: If a column is missing or unknown, or has another type
                or shape.
            tf.errors.InvalidArgumentError: At run time, if columns have
                different lengths.
        """
        tensors = self._tensors(raw)
        parts, inputs = [], {}
        if self._numbers:
            parts += self._standardised(tensors)
        for name, edges in self._quantiles:
            parts.append(quantile_code.encode(tensors[name], edges))
        for name, mean, deviation in self._dates:
            parts.append(
                date_code.encode(tensors[name], mean, deviation, self.limit)
            )
        for (name, values), table in zip(
            self._categories, self._tables, strict=True
        ):
            ids = table.lookup(tensors[name])
            if self.encoding == "id":
                inputs[name] = ids
            else:
                parts.append(tf.one_hot(ids, len(values) + 1))
        if parts:
            inputs = {self.name: tf.concat(parts, -1), **inputs}
        return inputs, {}

    def input_signature(self) -> dict:
        """Returns the specs of a batch of raw inputs, for an export.

        Raises:
            ValueError: If the name of a column cannot be an argument of a
                SavedModel.
        """
        for name in self.columns:
            if not _SERVABLE.fullmatch(name):
                raise ValueError(
                    "An export's arguments are named after the columns, of "
                    "ASCII letters, digits, '_', '-', '.' and '/', beginning "
                    "with a letter or digit. "
                    f"Received: the column {name!r} among "
                    f"{listed(self.columns)}. Rename it."
                )
        return {
            name: tf.TensorSpec((None,), dtype, name=name)
            for name, dtype in self._dtypes().items()
        }

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            "numbers": {name: list(pair) for name, *pair in self._numbers},
            "categories": {n: list(values) for n, values in self._categories},
            **self._optional_config(),
            "encoding": self.encoding,
            "limit": self.limit,
            "name": self.name,
        }

    def _optional_config(self) -> dict:
        """Returns what files of earlier versions do not have, where used."""
        optional = {
            "quantiles": {name: list(edges) for name, edges in self._quantiles},
            "dates": {name: list(pair) for name, *pair in self._dates},
        }
        return {key: value for key, value in optional.items() if value}

    @classmethod
    def from_config(cls, config: dict) -> "ColumnPreprocessor":
        """Makes the preprocessor that `get_config` described."""
        return cls(**config)

    def _check(self):
        names = self.columns
        if not names or len(set(names)) < len(names):
            raise ValueError(
                "ColumnPreprocessor expects at least one column, and none "
                "that is of two kinds (number, date, category). "
                f"Received: {listed(names)}"
            )
        for name, _ in self._quantiles:
            numbers = [number for number, *_ in self._numbers]
            if name not in numbers:
                raise ValueError(unknown("column of numbers", name, numbers))
        if self.encoding not in _ENCODINGS:
            raise ValueError(unknown("encoding", self.encoding, _ENCODINGS))
        if self.encoding == "id" and self.name in self.num_ids:
            raise ValueError(
                "ColumnPreprocessor expects a `name` that is not a category's, "
                f"whose ids have this key. Received: name={self.name!r}"
            )

    def _dtypes(self):
        dtypes = {name: tf.float32 for name, *_ in self._numbers}
        dtypes.update({name: tf.string for name, *_ in self._dates})
        for name, values in self._categories:
            is_text = isinstance(values[0], str)
            dtypes[name] = tf.string if is_text else tf.int64
        return dtypes

    def _tensors(self, raw) -> dict:
        """Checks the columns; of the types of the signature."""
        if not isinstance(raw, Mapping):
            raise ValueError(
                "ColumnPreprocessor expects a dict of column to tensor, with "
                f"the columns {listed(self.columns)}. "
                f"Received: {type(raw).__name__}"
            )
        for name in raw:
            if name not in self.columns:
                raise ValueError(
                    unknown("column", name, self.columns, sorted(map(str, raw)))
                )
        lacking = [name for name in self.columns if name not in raw]
        if lacking:
            raise ValueError(
                f"ColumnPreprocessor misses the column {lacking[0]!r}. "
                f"Expected all of {listed(self.columns)}. "
                f"Received: {listed(raw)}"
            )
        tensors = {
            name: _tensor(name, raw[name], dtype)
            for name, dtype in self._dtypes().items()
        }
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        first = next(iter(shapes.values()))
        if first.rank not in (0, 1) or not all(
            shape.rank == first.rank and shape.is_compatible_with(first)
            for shape in shapes.values()
        ):
            raise ValueError(
                "ColumnPreprocessor expects columns of shape () or (batch,), "
                f"all the same. Received: {shapes}"
            )
        return _of_one_length(tensors)

    def _standardised(self, tensors):
        """Returns the standardised numbers and their missing indicators."""
        values = tf.stack([tensors[name] for name, *_ in self._numbers], -1)
        means = tf.constant([mean for _, mean, _ in self._numbers])
        deviations = tf.constant([d for *_, d in self._numbers])
        is_missing = tf.math.is_nan(values)
        scaled = (values - means) / deviations
        scaled = tf.clip_by_value(scaled, -self.limit, self.limit)
        missing = tf.cast(is_missing, tf.float32)
        return [tf.where(is_missing, 0.0, scaled), missing]


def _tensor(name, value, dtype):
    tensor = tf.convert_to_tensor(value)
    received = tensor.dtype
    is_number = received.is_floating or received.is_integer or received.is_bool
    if dtype == tf.string:
        fits, expected = received == tf.string, "strings"
    elif dtype == tf.int64:
        fits, expected = received.is_integer, "integers"
    else:
        fits, expected = is_number, "numbers"
    if not fits:
        raise ValueError(
            f"ColumnPreprocessor expects the column {name!r} to hold "
            f"{expected}. Received: shape {tensor.shape}, dtype {received.name}"
        )
    return tensor if dtype == tf.string else tf.cast(tensor, dtype)


def _of_one_length(tensors):
    """Checks at run time that columns have one length."""
    if next(iter(tensors.values())).shape.rank == 0:
        return tensors
    lengths = tf.stack([tf.size(tensor) for tensor in tensors.values()])
    check = tf.debugging.Assert(
        tf.reduce_all(tf.equal(lengths, lengths[0])),
        [
            f"ColumnPreprocessor expects the columns {listed(tensors)} to have "
            "one length. Received: the lengths",
            lengths,
        ],
        summarize=len(tensors),
    )
    with tf.control_dependencies([check]):
        return {name: tf.identity(value) for name, value in tensors.items()}


def _table(values):
    # Outside of a function that is being traced, where the table would never
    # be initialised.
    with tf.init_scope():
        dtype = tf.string if isinstance(values[0], str) else tf.int64
        content = tf.lookup.KeyValueTensorInitializer(
            tf.constant(values, dtype),
            tf.range(UNKNOWN + 1, UNKNOWN + 1 + len(values)),
        )
        return tf.lookup.StaticHashTable(content, UNKNOWN)
