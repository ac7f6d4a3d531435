"""What entries that read tables have in common."""

from types import MappingProxyType

import keras
from keras import layers

import mtl_keras
import zoo
from mtl_keras import checks
from mtl_keras import data as mtl_data
from zoo.tables import statistics
from zoo.tables.layers import ColumnEmbedding


class TableEntry(zoo.Entry):
    """A model that reads the columns of a table.

    Each column is embedded, and the tasks share a trunk of dense layers.

    Attributes:
        num_quantiles: Integer, the largest number of intervals in the code of
            a number's quantiles.
        integer_categories: Tuple of columns of integers that are categories.
    """

    reads = "table"
    num_quantiles = 128
    integer_categories: tuple[str, ...] = ()
    search_dropout = 0.6
    search_values = MappingProxyType(
        {
            "units": (64, 128, 192, 256),
            "depth": (1, 2, 3),
            "column_units": (8, 16, 24),
        }
    )

    def assets(self, data: str) -> dict:
        """Returns the statistics that lie beside a data set's builder.

        Args:
            data: String, a key of `self.data`.

        Returns:
            Dict with `"columns"`, a config of `ColumnPreprocessor`.
        """
        return {"columns": statistics.read(data)}

    def learn_assets(self, examples) -> dict:
        """Measures the columns of a folder's training split.

        Args:
            examples: Iterable of `zoo.datasets.folders.Example`.

        Returns:
            Dict with `"columns"`, as of `assets`.
        """
        options = {"num_quantiles": self.num_quantiles}
        return {"columns": statistics.of_examples(examples, **options)}

    def fitting_options(self) -> dict:
        """Returns the arguments of `ColumnPreprocessor.adapt`."""
        return {
            "categories": self.integer_categories,
            "num_quantiles": self.num_quantiles,
        }

    def preprocessor(self, spec):
        """Makes the graph from the columns to the model's input.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `mtl_keras.data.ColumnPreprocessor`.
        """
        return mtl_data.ColumnPreprocessor(**spec.assets["columns"])

    def postprocessor(self, spec):
        """Makes the graph from the outputs to names and scores.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `mtl_keras.data.AnswerDecoder`, with the temperatures and
            thresholds that a recipe with `calibrate` chose.
        """
        decisions = {
            name: decision
            for name, decision in spec.assets.get("decisions", {}).items()
            if name in spec
        }
        # A group's outputs are its members' already.
        tasks = [task for task in self.tasks(spec) if not task.is_group]
        return mtl_data.AnswerDecoder(tasks, decisions=decisions)

    def build(
        self,
        spec,
        *,
        units: int = 192,
        depth: int = 2,
        column_units: int = 16,
        dropout: float = 0.3,
        sharing="hard",
    ):
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            units: Integer of at least 1, the units of the trunk's first layer;
                each further one has half as many.
            depth: Integer of at least 0, the number of the trunk's layers. 0
                makes a linear model of the columns' codes.
            column_units: Integer of at least 1, values that each column is
                embedded in. Without effect where `depth` is 0.
            dropout: Float in [0, 1), fraction of each layer's features dropped
                in training.
            sharing: Name of an architecture that shares the trunk, such as
                `"mmoe"`, or a dict such as `{"name": "mmoe", "num_experts":
                2}`. See `mtl_keras.sharing.list_sharings()`.

        Returns:
            `MultiTaskModel`. Input: `columns`, float32 of shape `(batch,
            features)`, as `ColumnPreprocessor` makes it. An output a task.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        return self.assemble(
            spec,
            self.tasks(spec),
            units=units,
            depth=depth,
            column_units=column_units,
            dropout=dropout,
            sharing=sharing,
        )

    def assemble(
        self, spec, tasks, *, units, depth, column_units, dropout, sharing
    ):
        """Builds the model of given tasks.

        Args:
            spec: `zoo.Spec`.
            tasks: Sequence of `mtl_keras.Task`.
            units: As for `build`.
            depth: As for `build`.
            column_units: As for `build`.
            dropout: As for `build`.
            sharing: As for `build`.

        Returns:
            `MultiTaskModel`.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        checks.integer("units", units, low=1)
        checks.integer("depth", depth, low=0)
        checks.integer("column_units", column_units, low=1)
        checks.fraction("dropout", dropout, below_one=True)
        preprocessor = self.preprocessor(spec)
        columns = keras.Input(
            (preprocessor.num_features,), name=preprocessor.name
        )
        return mtl_keras.build(
            {preprocessor.name: columns},
            tasks,
            trunk=stages(preprocessor, units, depth, column_units, dropout),
            sharing=sharing,
            head=self.head,
            name=type(self).__name__.lower(),
        )

    def head(self, features, task):
        """Builds the head of a task.

        Args:
            features: Keras tensor of shape `(batch, units)`.
            task: `mtl_keras.Task`.

        Returns:
            Keras tensor, the task's output.
        """
        return task.head.build(features, task)


def stages(preprocessor, units, depth, column_units, dropout) -> list:
    """Makes the stages of the trunk, as `mtl_keras.build` takes them.

    Args:
        preprocessor: `ColumnPreprocessor`.
        units: Integer.
        depth: Integer.
        column_units: Integer.
        dropout: Float.

    Returns:
        List of lists of functions and layers.
    """

    def embed(inputs):
        features = inputs[preprocessor.name]
        if not depth:
            return features
        return ColumnEmbedding(
            preprocessor.feature_columns, column_units, name="embedding"
        )(features)

    trunk = [embed]
    for index in range(depth):
        size = max(1, units // 2**index)

        def dense(features, size=size, index=index):
            name = f"dense_{index}"
            features = layers.Dense(size, "relu", name=name)(features)
            if dropout:
                name = f"dropout_{index}"
                features = layers.Dropout(dropout, name=name)(features)
            return features

        trunk.append(dense)
    return trunk
