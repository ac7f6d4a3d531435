"""Converts vectors of numbers to model inputs, those of each source apart."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from mtl_keras.data.columns import ColumnPreprocessor
from mtl_keras.messages import listed, unknown


@keras.saving.register_keras_serializable(package="mtl_keras")
class VectorPreprocessor(tf.Module):
    """Converts named vectors of numbers, each by a `ColumnPreprocessor`.

    For data sets whose examples have inputs of their own, such as cohorts of
    patients. Number `i` of a vector is the column `column(i)` of the vector's
    `ColumnPreprocessor`. A vector of NaN, of an example that belongs to
    another data set, becomes the code of missing numbers.

    ```python
    preprocessor = VectorPreprocessor(
        {"a_input": {"numbers": {"x00": [50.0, 10.0], "x01": [0.5, 0.5]}}}
    )
    inputs, context = preprocessor({"a_input": [60.0, 1.0]})
    inputs["a_input"]                # [1, 1, 0, 0]
    ```

    Args:
        vectors: Dict from the name of a vector to the config of a
            `ColumnPreprocessor`, with numbers and quantiles only.

    Raises:
        ValueError: If there is no vector, or the columns of one are not
            `column(0)`, `column(1)`, ...
    """

    # `data.pipeline` gives it whole batches.
    converts_batches = True

    def __init__(self, vectors: Mapping[str, Mapping]):
        super().__init__(name="vectors")
        if not vectors:
            raise ValueError(
                "VectorPreprocessor expects at least one vector. Received: "
                f"vectors={vectors!r}"
            )
        self._vectors = tuple(
            (name, _columns(name, config)) for name, config in vectors.items()
        )

    @property
    def num_features(self) -> dict[str, int]:
        """The number of values in `inputs[name]` of each vector."""
        return {name: part.num_features for name, part in self._vectors}

    @property
    def feature_columns(self) -> dict[str, tuple[str, ...]]:
        """The column that each value of each vector's input comes from."""
        return {name: part.feature_columns for name, part in self._vectors}

    def __call__(self, raw):
        """Converts one example or a batch.

        Args:
            raw: Dict of a vector's name to a tensor of shape `(numbers,)` or
                `(batch, numbers)`.

        Returns:
            Pair `(inputs, context)`; the context is empty. `inputs[name]` is
            float32 of shape `(num_features,)` or `(batch, num_features)`.

        Raises:
            ValueError: If a vector is missing or unknown, or has another size.
        """
        names = [name for name, _ in self._vectors]
        for name in raw:
            if name not in names:
                raise ValueError(unknown("vector", name, names, sorted(raw)))
        inputs = {}
        for name, part in self._vectors:
            if name not in raw:
                raise ValueError(
                    f"VectorPreprocessor misses the vector {name!r}. Expected "
                    f"all of {listed(names)}. Received: {listed(sorted(raw))}"
                )
            values = tf.convert_to_tensor(raw[name])
            size = len(part.columns)
            if values.shape.rank not in (1, 2) or values.shape[-1] != size:
                raise ValueError(
                    f"VectorPreprocessor expects {name!r} of shape ({size},) "
                    f"or (batch, {size}). Received: shape {values.shape}"
                )
            numbers = tf.unstack(values, axis=-1)
            columns = {column(i): value for i, value in enumerate(numbers)}
            converted, _ = part(columns)
            inputs[name] = converted[part.name]
        return inputs, {}

    def input_signature(self) -> dict:
        """Returns the specs of a batch of raw inputs, for an export."""
        return {
            name: tf.TensorSpec(
                (None, len(part.columns)), tf.float32, name=name
            )
            for name, part in self._vectors
        }

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            "vectors": {name: part.get_config() for name, part in self._vectors}
        }

    @classmethod
    def from_config(cls, config: dict) -> "VectorPreprocessor":
        """Makes the preprocessor that `get_config` described."""
        return cls(**config)


def column(index: int) -> str:
    """Names a place in a vector: `"x00"` is the first."""
    # Columns are sorted by name.
    return f"x{index:02d}"


def _columns(name, config):
    part = ColumnPreprocessor(**config)
    expected = [column(index) for index in range(len(part.columns))]
    if list(part.columns) != expected or part.num_ids:
        raise ValueError(
            f"VectorPreprocessor expects the vector {name!r} to have columns "
            f"of numbers named {listed(expected)}. Received: "
            f"{listed(part.columns)}"
        )
    return part
