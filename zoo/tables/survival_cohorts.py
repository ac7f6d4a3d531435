"""The risk of an early event in four cohorts, each with its own inputs."""

import keras
from keras import layers

import mtl_keras
import zoo
from mtl_keras import checks
from mtl_keras import sharing as sharings
from mtl_keras.data.vectors import VectorPreprocessor
from zoo.tables import statistics
from zoo.tables.layers import ColumnEmbedding


class SurvivalCohorts(zoo.Entry):
    """The risk of an early event in four cohorts, each with its own inputs.

    An adapter of each cohort embeds its numbers and maps them into one space,
    in which all cohorts share a trunk.
    """

    data = {"survival_cohorts": "zoo.datasets.survival_cohorts:Builder"}
    kinds = {
        "metabric": "survival",
        "support": "survival",
        "gbsg": "survival",
        "whas": "survival",
    }
    summary = (
        "Four tasks, each on the patients of one study with inputs of its own: "
        "the risk of an early death after breast cancer (metabric), of "
        "seriously ill patients (support), after breast cancer (gbsg) and "
        "after a heart attack (whas)."
    )
    published = (
        {
            "model": "DeepSurv (Katzman et al., 2018), one model a cohort",
            "metabric_c_index": 0.643,
            "support_c_index": 0.618,
            "gbsg_c_index": 0.668,
            "whas_c_index": 0.863,
            "source": "https://arxiv.org/abs/1606.00931",
        },
    )
    notes = (
        "The test split is that of DeepSurv's authors. A tenth of their "
        "training part, by a hash of the row, is for validation.",
        "Of the 328 patients of WHAS for the test 229 occur in the training "
        "part too, with the same numbers and time: its test metric, and the "
        "published one, gain from what was memorised. Of the other cohorts no "
        "patient is in both. On the 99 patients of WHAS that are new the "
        "C-index of these three runs is 0.618, 0.619 and 0.614; on the 229 "
        "others 0.859, 0.845 and 0.844.",
    )
    num_quantiles = 16
    search_dropout = 0.6
    search_values = {
        "units": (32, 64, 128),
        "depth": (1, 2),
        "column_units": (4, 8, 16),
    }

    def assets(self, data: str) -> dict:
        """Returns the statistics that lie beside the data set's builder.

        Args:
            data: String, a key of `self.data`.

        Returns:
            Dict with `"vectors"`, the config of `VectorPreprocessor`.
        """
        return {"vectors": statistics.read(data)}

    def preprocessor(self, spec):
        """Makes the graph from numbers to the model's inputs.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `VectorPreprocessor` of the cohorts of `spec.tasks`.
        """
        vectors = spec.assets["vectors"]
        return VectorPreprocessor(
            {_input(task): vectors[_input(task)] for task in spec.tasks}
        )

    def example(self, spec):
        """Makes the function that splits a data set's example.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Function of a dict of tensors that returns `(inputs, labels)`.
        """

        def split(element):
            inputs = {_input(t): element[_input(t)] for t in spec.tasks}
            return inputs, {task: element[task] for task in spec.tasks}

        return split

    def build(
        self,
        spec,
        *,
        units: int = 128,
        depth: int = 1,
        column_units: int = 16,
        dropout: float = 0.25,
        sharing="hard",
    ):
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            units: Integer of at least 1, the size of the common space and of
                the trunk's layers.
            depth: Integer of at least 1, the number of the trunk's layers.
            column_units: Integer of at least 1, values that each number is
                embedded in by the adapters.
            dropout: Float in [0, 1), fraction of features dropped in training
                after the adapters and each layer of the trunk.
            sharing: Name of an architecture that shares the trunk behind the
                adapters, or a dict with hyperparameters.

        Returns:
            `MultiTaskModel`. Inputs: for each cohort `<task>_input`, float32
            of shape `(batch, features)`, as `VectorPreprocessor` makes it.
            Outputs: a log-risk of shape `(batch, 1)` for each task, without
            meaning for patients of other cohorts.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        checks.integer("units", units, low=1)
        checks.integer("depth", depth, low=1)
        checks.integer("column_units", column_units, low=1)
        checks.fraction("dropout", dropout, below_one=True)
        preprocessor = self.preprocessor(spec)
        inputs = {
            name: keras.Input((size,), name=name)
            for name, size in preprocessor.num_features.items()
        }
        adapters = {
            name: _adapter(name, columns, column_units, units, dropout)
            for name, columns in preprocessor.feature_columns.items()
        }

        def stage(index):
            def call(features):
                name = f"dense_{index}"
                features = layers.Dense(units, "relu", name=name)(features)
                name = f"dropout_{index}"
                return layers.Dropout(dropout, name=name)(features)

            return call

        return mtl_keras.build(
            inputs,
            self.tasks(spec),
            # Several stages, since `branching` parts the tasks between them.
            trunk=[stage(index) for index in range(depth)],
            sharing=sharings.Adapters(adapters=adapters, base=sharing),
            name="survival_cohorts",
        )


def _input(task: str) -> str:
    return f"{task}_input"


def _adapter(name, columns, column_units, units, dropout):
    """Makes a cohort's own layers."""
    return keras.Sequential(
        [
            ColumnEmbedding(columns, column_units, name="embedding"),
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(units, "relu", name="dense"),
        ],
        name=f"{name.removesuffix('_input')}_adapter",
    )
