"""Whether a molecule is active in twelve assays of toxicity."""

import keras
from keras import layers, ops

import mtl_keras
import zoo
from mtl_keras import Task, checks
from mtl_keras.messages import unknown
from zoo.datasets.tox21_assays.builder import ASSAYS
from zoo.molecules import averaged_parts, message_passing
from zoo.molecules.smiles import NUM_TOKENS, SmilesPreprocessor

_TRUNKS = {
    "ngrams": ("ngrams",),
    "tokens": ("tokens",),
    "both": ("ngrams", "tokens"),
    "graph": ("graph",),
    "ngrams_graph": ("ngrams", "graph"),
    "all": ("ngrams", "tokens", "graph"),
}
# How often a part of several is trained: a graph learns the slowest.
_CHANCES = {"ngrams": 1, "tokens": 1, "graph": 3}
# Numbers of atoms that the molecules of a batch are padded to.
_BUCKETS = (16, 24, 32, 48, 128)
_BUILDERS = "zoo.datasets.tox21_assays"


class Assays(zoo.Entry):
    """Whether a molecule is active in twelve assays of toxicity.

    The assays are a group of tasks: one output of shape `(batch, 12)`, whose
    columns are tasks for losses, missing labels, metrics and balancers.
    """

    data = {
        "tox21_assays": f"{_BUILDERS}:Builder",
        "tox21_assays_2": f"{_BUILDERS}:SecondDivision",
        "tox21_assays_3": f"{_BUILDERS}:ThirdDivision",
        "tox21_assays_scaffold": f"{_BUILDERS}:ScaffoldDivision",
    }
    kinds = {"assays": "presence"}
    search_dropout = 0.7
    search_values = {
        "trunk": (*_TRUNKS,),
        "units": (128, 256, 512),
        "depth": (1, 2, 3),
    }
    summary = (
        "Twelve tasks on the SMILES string of a molecule: whether it is active "
        "in each of the assays of Tox21, a group of the name assays."
    )
    notes = (
        "Labels: the copy of Tox21 in deepchem at the commit fbe3b91, 8,014 "
        "rows, 17% missing. Copies elsewhere have other labels.",
        "Divided by a hash of the SMILES string, in three ways: equal strings "
        "are in one split, similar molecules need not be.",
        "tox21_assays_scaffold divides by the Bemis-Murcko scaffold, found "
        "without RDKit. 94% of the molecules are in the same group as by "
        "RDKit's MurckoScaffold; the other groups join scaffolds that differ "
        "in charges or hydrogens. No scaffold of RDKit's is in two splits. "
        "The mean ROC-AUC of its test is 0.792, that of n-grams alone 0.757.",
        "The mean ROC-AUC over the three divisions is 0.837 (0.844, 0.826, "
        "0.842, one seed each). N-grams alone reach 0.817 (0.832, 0.803, "
        "0.816), logistic regression on n-grams of the same orders 0.787.",
        "Mean ROC-AUC on the validation split of the first division, by which "
        "all was chosen: n-grams 0.798; the graph alone 0.814, with 0.5 in "
        "place of 0.2 dropped 0.785; both concatenated before the head 0.769, "
        "since n-grams overfit before the graph learns; both averaged, each "
        "trained on examples of its own, 0.819. Twice the atoms' features and "
        "five rounds of messages were no better. Of n-grams alone, learning "
        "rates of 3e-4 and 2e-3 and a dropout of 0.7 were worse.",
        "Balancers, first division, seed 0, test: equal 0.844, uncertainty "
        "0.838, cagrad 0.834.",
        "Single tasks, the same trunk and steps, an assay at a time (the loss "
        "weights of the others are 0), first division, seed 0: mean ROC-AUC "
        "0.763 on test for 0.844 together, 0.738 for 0.819 on validation. Each "
        "of the 12 assays gains, NR-PPAR-gamma most: 0.647 to 0.836. On "
        "n-grams alone 0.733 for 0.832, and 0.727 with three times as many "
        "epochs.",
    )

    def task(self, name: str, spec) -> Task:
        """Makes the group of tasks.

        Args:
            name: String, `"assays"`.
            spec: `zoo.Spec`.

        Returns:
            `Task`.
        """
        return Task(
            name, self.kinds[name], names=ASSAYS, metrics=("auc", "pr_auc")
        )

    def build(
        self,
        spec,
        *,
        trunk: str = "ngrams",
        num_buckets: int = 4096,
        units: int = 256,
        depth: int = 2,
        dropout: float = 0.5,
        atom_units: int = 64,
        rounds: int = 3,
        graph_dropout: float = 0.2,
    ):
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            trunk: String: `"ngrams"`, dense layers on the counts of n-grams;
                `"tokens"`, convolutions over tokens; `"graph"`, message passing
                over atoms and bonds; or several: `"both"`, n-grams and tokens,
                `"ngrams_graph"`, and `"all"`. The logits of several are
                averaged, see `zoo.molecules.averaged_parts`.
            num_buckets: Integer of at least 1, the size of the counts of
                n-grams. Trunks without n-grams have none.
            units: Integer of at least 1, the units of a dense layer; a
                convolution has a quarter.
            depth: Integer of at least 1, the number of dense layers; those of
                tokens and of a graph have one less.
            dropout: Float in [0, 1), fraction of each layer's features dropped
                in training; half of it between convolutions.
            atom_units: Integer of at least 1, the features of an atom. Trunks
                without a graph have none.
            rounds: Integer of at least 1, how many times messages are passed:
                an atom reads those up to so many bonds away.
            graph_dropout: Float in [0, 1), as `dropout`, of a graph; a fifth of
                it between rounds of messages.

        Returns:
            `MultiTaskModel`. Inputs, as `SmilesPreprocessor` makes them, those
            of the trunk: `ngrams`, float32 of shape `(batch, num_buckets)`;
            `tokens`, int32 of shape `(batch, 120)`; `atoms`, `neighbours` and
            `bonds`, int32 of shape `(batch, atoms, 6)` for any number of atoms.
            Output: `assays`, probabilities of shape `(batch, 12)` in the order
            of the group's names.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        checks.integer("units", units, low=1)
        checks.integer("depth", depth, low=1)
        checks.fraction("dropout", dropout, below_one=True)
        if trunk not in _TRUNKS:
            raise ValueError(unknown("trunk", trunk, _TRUNKS))
        checks.integer("atom_units", atom_units, low=1)
        checks.integer("rounds", rounds, low=1)
        checks.fraction("graph_dropout", graph_dropout, below_one=True)
        if "ngrams" not in _TRUNKS[trunk]:
            self.refuse_changed(f"the trunk {trunk!r}", num_buckets=num_buckets)
        if "graph" not in _TRUNKS[trunk]:
            self.refuse_changed(
                f"the trunk {trunk!r}",
                atom_units=atom_units,
                rounds=rounds,
                graph_dropout=graph_dropout,
            )
        preprocessor = self.preprocessor(
            spec, trunk=trunk, num_buckets=num_buckets
        )
        inputs, parts = {}, {}
        if "ngrams" in preprocessor.parts:
            inputs["ngrams"] = keras.Input((num_buckets,), name="ngrams")
            parts["ngrams"] = _stack(
                inputs["ngrams"], "dense", depth, units, dropout
            )
        if "graph" in preprocessor.parts:
            graph = message_passing.inputs()
            inputs |= graph
            features = message_passing.features(
                **graph,
                units=atom_units,
                rounds=rounds,
                dropout=graph_dropout / 5,
            )
            dropped = layers.Dropout(graph_dropout, name="graph_dropout")
            parts["graph"] = _stack(
                dropped(features), "graph", depth - 1, units, graph_dropout
            )
        if "tokens" in preprocessor.parts:
            tokens = keras.Input(
                (preprocessor.num_tokens,), dtype="int32", name="tokens"
            )
            inputs["tokens"] = tokens
            features = _convolved(tokens, max(1, units // 4), dropout)
            parts["tokens"] = _stack(
                features, "tokens", depth - 1, units, dropout
            )
        features = averaged_parts.join(parts, _CHANCES)
        tasks = self.tasks(spec)
        outputs = {t.name: t.head.build(features, t) for t in tasks}
        return mtl_keras.MultiTaskModel(
            inputs, outputs, tasks=tasks, name="assays_model"
        )

    def preprocessor(self, spec, *, trunk="ngrams", num_buckets=4096):
        """Makes the graph from SMILES strings to the model's inputs.

        Args:
            spec: `zoo.Spec`.
            trunk: As for `build`.
            num_buckets: As for `build`.

        Returns:
            `SmilesPreprocessor`.
        """
        del spec
        return SmilesPreprocessor(_TRUNKS[trunk], num_buckets)

    def batching(self, spec, *, trunk="ngrams"):
        """Batches molecules of a similar number of atoms, for a graph.

        Args:
            spec: `zoo.Spec`.
            trunk: As for `build`.

        Returns:
            Dict of arguments of `mtl_keras.data.pipeline`.
        """
        del spec
        is_graph = "graph" in _TRUNKS[trunk]
        return {"bucket_lengths": _BUCKETS} if is_graph else {}


def _stack(features, name, depth, units, dropout):
    for index in range(depth):
        dense = layers.Dense(units, "relu", name=f"{name}_{index}")
        dropped = layers.Dropout(dropout, name=f"{name}_dropout_{index}")
        features = dropped(dense(features))
    return features


def _convolved(tokens, channels, dropout):
    """Reads tokens by two convolutions; pools those that are no padding."""
    features = layers.Embedding(NUM_TOKENS, channels, name="embedding")(tokens)
    for index, dilation in enumerate((1, 2)):
        features = layers.Conv1D(
            channels,
            5,
            padding="same",
            activation="relu",
            dilation_rate=dilation,
            name=f"convolution_{index}",
        )(features)
        features = layers.SpatialDropout1D(
            dropout / 2, name=f"convolution_dropout_{index}"
        )(features)
    present = ops.cast(ops.expand_dims(ops.not_equal(tokens, 0), -1), "float32")
    # After a ReLU nothing is below 0.
    largest = ops.max(features * present, axis=1)
    mean = ops.sum(features * present, axis=1)
    mean = mean / ops.maximum(ops.sum(present, axis=1), 1.0)
    return ops.concatenate([largest, mean], axis=-1)
