"""Converts molecules, SMILES strings, to model inputs."""

import keras
import tensorflow as tf

from mtl_keras import checks
from mtl_keras.messages import unknown
from zoo.molecules import graphs

# An atom in brackets, an element of two letters, a ring of two digits, else a
# character.
_TOKEN = r"(\[[^\[\]]*\]|Br|Cl|%[0-9][0-9]|.)"
PARTS = ("ngrams", "tokens", "graph")
# Leaves one character of each atom.
_ATOMS = (
    (r"\[[^\[\]]*\]", "*"),
    ("Cl|Br", "C"),
    ("[^BCNOPSFIbcnops*]", ""),
)
# Ids of tokens: 0 is padding.
NUM_TOKENS = 512


@keras.saving.register_keras_serializable(package="zoo")
class SmilesPreprocessor(tf.Module):
    """Converts SMILES strings to counts of n-grams and to tokens.

    A string is cut into tokens: `Cl`, `[C@H]`, `(`, `c`, `1`, ... Any string is
    read; one that is no molecule gives an output without meaning. N-grams and
    tokens are hashed, so that there is no vocabulary and none is unknown.

    Args:
        parts: Sequence of `"ngrams"`, `"tokens"` and `"graph"`, the inputs to
            make. The graph of a string that is no molecule has no atoms; see
            `graphs.parse`.
        num_buckets: Integer of at least 1, the size of the counts: n-grams
            that share a bucket are counted together.
        max_order: Integer of at least 1, the most tokens of an n-gram.
        length: Integer of at least 1: further tokens are left out.
        max_atoms: Integer of at least 1: further atoms of a graph are left
            out. One molecule of Tox21 has more than 128.

    Raises:
        ValueError: If a part is unknown or a number is out of range.
    """

    # `data.pipeline` gives it whole batches.
    converts_batches = True
    name_of_input = "smiles"

    def __init__(
        self,
        parts=("ngrams",),
        num_buckets: int = 4096,
        max_order: int = 6,
        length: int = 120,
        max_atoms: int = 128,
    ):
        super().__init__(name="smiles")
        self.parts = tuple(parts)
        for part in self.parts:
            if part not in PARTS:
                raise ValueError(unknown("part", part, PARTS))
        self.num_buckets = checks.integer("num_buckets", num_buckets, low=1)
        self.max_order = checks.integer("max_order", max_order, low=1)
        self.num_tokens = checks.integer("length", length, low=1)
        self.max_atoms = checks.integer("max_atoms", max_atoms, low=1)

    def __call__(self, raw):
        """Converts one molecule or a batch.

        Args:
            raw: Dict with `"smiles"`, a string tensor of shape `()` or
                `(batch,)`.

        Returns:
            Pair `(inputs, context)`; the context is empty. `inputs["ngrams"]`,
            float32 of shape `(num_buckets,)` or `(batch, num_buckets)`, is
            `log(1 + count)`; `inputs["tokens"]` int32 of shape `(length,)` or
            `(batch, length)`, 0 at the padding. A graph is `"atoms"`,
            `"neighbours"` and `"bonds"`, int32 of shape `(atoms, 6)` or
            `(batch, atoms, 6)`, padded with 0 to the batch's largest molecule.

        Raises:
            ValueError: If it is something else.
        """
        if set(raw) != {self.name_of_input}:
            raise ValueError(
                "SmilesPreprocessor expects a dict with the one key 'smiles'. "
                f"Received: the keys {sorted(map(str, raw))}"
            )
        smiles = tf.convert_to_tensor(raw[self.name_of_input])
        if smiles.dtype != tf.string or smiles.shape.rank not in (0, 1):
            raise ValueError(
                "SmilesPreprocessor expects strings of shape () or (batch,). "
                f"Received: shape {smiles.shape}, dtype {smiles.dtype.name}"
            )
        is_one = smiles.shape.rank == 0
        inputs = self._inputs(smiles[None] if is_one else smiles)
        if is_one:
            inputs = {part: value[0] for part, value in inputs.items()}
        return inputs, {}

    def input_signature(self) -> dict:
        """Returns the specs of a batch of raw inputs, for an export."""
        name = self.name_of_input
        return {name: tf.TensorSpec((None,), tf.string, name=name)}

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            "parts": list(self.parts),
            "num_buckets": self.num_buckets,
            "max_order": self.max_order,
            "length": self.num_tokens,
            "max_atoms": self.max_atoms,
        }

    @classmethod
    def from_config(cls, config: dict) -> "SmilesPreprocessor":
        """Makes the preprocessor that `get_config` described."""
        return cls(**config)

    def length(self, raw) -> tf.Tensor:
        """Counts the atoms of molecules, without parsing them.

        Args:
            raw: Dict with `"smiles"`, a string tensor of shape `()` or
                `(batch,)`.

        Returns:
            Integer tensor of the same shape, at least 1, at most `max_atoms`.
        """
        atoms = tf.convert_to_tensor(raw[self.name_of_input])
        for pattern, replacement in _ATOMS:
            atoms = tf.strings.regex_replace(atoms, pattern, replacement)
        return tf.clip_by_value(tf.strings.length(atoms), 1, self.max_atoms)

    def _inputs(self, smiles):
        inputs = {}
        if "graph" in self.parts:
            graph = graphs.parse(smiles, self.max_atoms)
            inputs["atoms"] = graph["atoms"]
            places, kinds = graphs.neighbours(graph["bonds"])
            inputs |= {"neighbours": places, "bonds": kinds}
        if {*self.parts} - {"graph"}:
            tokens = _tokens(smiles)
        if "ngrams" in self.parts:
            inputs["ngrams"] = self._ngrams(tokens)
        if "tokens" in self.parts:
            inputs["tokens"] = self._tokens(tokens)
        return inputs

    def _ngrams(self, tokens):
        orders = list(range(1, self.max_order + 1))
        grams = tf.strings.ngrams(tokens, orders, separator=" ")
        rows = grams.value_rowids()
        buckets = tf.strings.to_hash_bucket_fast(grams.values, self.num_buckets)
        counts = tf.math.unsorted_segment_sum(
            tf.ones_like(buckets, tf.float32),
            rows * self.num_buckets + buckets,
            grams.nrows() * self.num_buckets,
        )
        counts = tf.reshape(counts, (-1, self.num_buckets))
        return tf.math.log1p(counts)

    def _tokens(self, tokens):
        ids = tf.strings.to_hash_bucket_fast(tokens.values, NUM_TOKENS - 1)
        ids = tokens.with_values(tf.cast(ids + 1, tf.int32))
        return ids.to_tensor(shape=(None, self.num_tokens))


def _tokens(smiles):
    """Cuts strings into tokens, a ragged tensor."""
    spaced = tf.strings.regex_replace(smiles, _TOKEN, r"\1 ")
    return tf.strings.split(spaced)
