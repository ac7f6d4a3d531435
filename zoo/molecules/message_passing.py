"""Message passing over the atoms and bonds of molecules."""

import keras
import numpy as np
from keras import layers, ops

from zoo.molecules.graphs import FEATURES, MAX_BONDS

_NUM_KINDS = 4


def inputs() -> dict:
    """Makes the inputs of a graph, for molecules of any size.

    Returns:
        Dict of Keras tensors, int32: `"atoms"`, `(batch, atoms, 6)`, as
        `graphs.parse` makes it; `"neighbours"` and `"bonds"`, `(batch, atoms,
        6)`, as `graphs.neighbours` makes them.
    """
    return {
        name: keras.Input((None, size), dtype="int32", name=name)
        for name, size in (
            ("atoms", len(FEATURES)),
            ("neighbours", MAX_BONDS),
            ("bonds", MAX_BONDS),
        )
    }


def features(
    atoms, neighbours, bonds, *, units: int, rounds: int, dropout: float
):
    """Makes features of molecules from their graphs.

    Each round adds to an atom's features a function of its own and of the sum
    of its neighbours', which are weighed feature by feature by the kind of the
    bond: a relational graph convolution (Schlichtkrull et al., 2018,
    https://arxiv.org/abs/1703.06103) with diagonal matrices of the kinds. The
    sum over atoms that is returned is gated (Li et al., 2016,
    https://arxiv.org/abs/1511.05493).

    Args:
        atoms: Keras tensor, as `inputs` makes it.
        neighbours: Keras tensor, as `inputs` makes it.
        bonds: Keras tensor, as `inputs` makes it.
        units: Integer of at least 1, features of an atom.
        rounds: Integer of at least 1.
        dropout: Float in [0, 1).

    Returns:
        Keras tensor of shape `(batch, 3 * units)`: maximum, mean and a gated
        sum over the atoms. All 0 of a molecule without atoms.
    """
    sizes = list(FEATURES.values())
    # Subtracted: Keras makes of a sum a bias, which LiteRT lacks for integers.
    offsets = -np.cumsum([0, *sizes[:-1]]).astype("int32")
    mask = atoms[:, :, 0] > 0
    present = ops.cast(ops.expand_dims(mask, -1), "float32")
    x = layers.Embedding(sum(sizes), units, name="atom_embedding")(
        atoms - offsets
    )
    x = ops.sum(x, axis=2) * present
    kinds = ops.one_hot(bonds, _NUM_KINDS + 1)[..., 1:]
    for index in range(rounds):
        sums = NeighbourSum(name=f"neighbours_{index}")(x, neighbours, kinds)
        update = layers.Dense(units, "relu", name=f"message_{index}")(
            ops.concatenate([x, sums], axis=-1)
        )
        update = layers.Dropout(dropout, name=f"message_dropout_{index}")(
            update
        )
        # Without it atoms, most of which are carbon, have like features. Over
        # atoms, so that the sizes of a batch's molecules do not matter.
        norm = layers.BatchNormalization(
            momentum=0.9, name=f"message_norm_{index}"
        )
        x = norm(x + update, mask=mask)
        x = x * present
    gate = layers.Dense(units, "sigmoid", name="gate")(x)
    value = layers.Dense(units, "relu", name="value")(x) * present
    count = ops.maximum(ops.sum(present, axis=1), 1.0)
    return ops.concatenate(
        [
            # After a ReLU nothing is below 0, the value at the padding.
            ops.max(value, axis=1),
            ops.sum(value, axis=1) / count,
            ops.sum(value * gate, axis=1) / ops.sqrt(count),
        ],
        axis=-1,
    )


@keras.saving.register_keras_serializable(package="zoo")
class NeighbourSum(layers.Layer):
    """Sums the features of an atom's neighbours, weighed by the bonds.

    A feature is multiplied by a learned weight of the feature and of the bond's
    kind, 1 at the start.
    """

    def build(self, x_shape, neighbours_shape, kinds_shape):
        """Makes the weights, of shape `(kinds, features)`."""
        del neighbours_shape
        self.weight = self.add_weight(
            shape=(kinds_shape[-1], x_shape[-1]),
            initializer="ones",
            name="weight",
        )

    def call(self, x, neighbours, kinds):
        """Sums neighbours.

        Args:
            x: Tensor of shape `(batch, atoms, features)`.
            neighbours: Integer tensor of shape `(batch, atoms, bonds)`, numbers
                of atoms.
            kinds: Tensor of shape `(batch, atoms, bonds, kinds)`, one-hot; all
                0 where there is no bond.

        Returns:
            Tensor of the shape of `x`.
        """
        size = ops.shape(x)
        # The number of the molecule in its batch, for each bond.
        number = ops.cumsum(ops.ones_like(neighbours), axis=0) - 1
        flat = ops.reshape(x, (-1, size[-1]))
        features = ops.take(flat, neighbours + number * size[1], axis=0)
        return ops.sum(features * ops.matmul(kinds, self.weight), axis=2)

    def compute_output_shape(self, x_shape, neighbours_shape, kinds_shape):
        """Returns the shape of `x`."""
        del neighbours_shape, kinds_shape
        return x_shape
