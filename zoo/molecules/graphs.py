"""Parses SMILES strings to graphs of atoms and bonds, a batch at once.

In TensorFlow's operations without a loop, so that a served graph takes strings
and needs nothing else.
"""

import tensorflow as tf

from zoo.molecules.smiles_text import (
    AROMATIC,
    DOT,
    OTHER,
    SINGLE,
    Atoms,
    Text,
    shifted,
)

# Of an atom; no atom of Tox21 has more.
MAX_BONDS = 6
# Atoms' features and their numbers of values.
FEATURES = {
    "element": OTHER + 1,
    "charge": 9,
    "hydrogens": 5,
    "aromatic": 2,
    "ring": 2,
    "degree": 7,
}


def parse(smiles: tf.Tensor, max_atoms: int) -> dict[str, tf.Tensor]:
    """Parses SMILES strings.

    Hydrogens that are not atoms of the string are not atoms. Chirality and
    isotopes are ignored. A bond between two aromatic atoms that the string does
    not name is aromatic in a ring and single elsewhere.

    A string that is not a molecule, or longer than `MAX_CHARACTERS`, has no
    atoms: one with a ring or branch that is not closed, an unknown character,
    a bond to nothing, two bonds between the same atoms. Valences are not
    checked, and an unknown element in brackets is the element `OTHER`.

    Args:
        smiles: String tensor of shape `(batch,)`.
        max_atoms: Integer, further atoms and their bonds are left out.

    Returns:
        Dict. `"atoms"`: int32 of shape `(batch, atoms, 6)`, the features in
        the order of `FEATURES`; all 0 at the padding, which is to the largest
        molecule of the batch. The charge is from -4 to 4, plus 4, and
        `"hydrogens"` those in brackets. `"bonds"`: int32 of shape `(batch,
        atoms, atoms)`, symmetric: `SINGLE`, `DOUBLE`, `TRIPLE` or `AROMATIC`,
        and 0 between atoms without a bond. `"num_atoms"`: int32 of shape
        `(batch,)`, the number of atoms of the whole string.
    """
    smiles = tf.strings.strip(smiles)
    text = Text(smiles)
    # No more than the largest molecule has.
    sizes = tf.where(text.is_sound, text.num_atoms, 0)
    largest = tf.reduce_max(tf.concat([sizes, [1]], 0))
    max_atoms = tf.minimum(largest, max_atoms)
    starts = text.starts(text.is_atom, max_atoms + 1)
    # Where the next atom starts, or a position after the last character.
    after = starts[:, 1:]
    starts = starts[:, :-1]
    present = starts < text.width
    starts = tf.minimum(starts, text.width - 1)
    atoms = Atoms(text, starts, tf.minimum(after, text.width - 1), present)
    parents, is_bonded = _parents(text, atoms)
    rings = _rings(text)

    # The atoms of a branch follow each other: those from `atom` to `ends`.
    numbers = tf.range(max_atoms)
    is_after = numbers[None, :] > numbers[:, None]
    leaves = (parents[:, None, :] < numbers[:, None]) & is_after
    ends = tf.reduce_min(tf.where(leaves, numbers, max_atoms), axis=2)

    def inside(others):
        others = others[:, None, :]
        return (others >= numbers[:, None]) & (others < ends[:, :, None])

    # A ring's last bond makes those bonds ones of a ring that it leads around.
    around = inside(rings["first"]) != inside(rings["second"])
    around &= rings["is_bond"][:, None, :]
    is_ring = tf.reduce_any(around, axis=2) & is_bonded

    aromatic = atoms.aromatic
    of_parents = tf.gather(aromatic, tf.maximum(parents, 0), batch_dims=1)
    symbols = text.order_before(starts)
    implied = tf.where(aromatic & of_parents & is_ring, AROMATIC, SINGLE)
    orders = tf.where(symbols > 0, symbols, implied)
    to_parents = _Pairs(numbers[None, :], parents, is_bonded, max_atoms)
    first, second = (
        tf.gather(
            aromatic, tf.minimum(rings[name], max_atoms - 1), batch_dims=1
        )
        for name in ("first", "second")
    )
    implied = tf.where(first & second, AROMATIC, SINGLE)
    ring_orders = tf.where(rings["order"] > 0, rings["order"], implied)
    closing = _Pairs(
        rings["first"], rings["second"], rings["is_bond"], max_atoms
    )
    bonds = to_parents.matrix(orders) + closing.matrix(ring_orders)
    num_bonds = to_parents.matrix(1) + closing.matrix(1)
    in_ring = to_parents.matrix(tf.cast(is_ring, tf.int32)) + closing.matrix(1)

    is_molecule = text.is_sound & rings["is_sound"] & atoms.is_sound
    is_molecule &= tf.reduce_max(num_bonds, axis=(1, 2)) < 2
    is_molecule &= tf.linalg.trace(num_bonds) == 0
    degree = tf.reduce_sum(num_bonds, axis=2)
    ring = tf.reduce_max(in_ring, axis=2)
    features = tf.stack(
        [
            atoms.elements,
            tf.clip_by_value(atoms.charges, -4, 4) + 4,
            tf.minimum(atoms.hydrogens, FEATURES["hydrogens"] - 1),
            tf.cast(aromatic, tf.int32),
            ring,
            tf.minimum(degree, FEATURES["degree"] - 1),
        ],
        axis=2,
    )
    kept = present & is_molecule[:, None]
    return {
        "atoms": tf.where(kept[:, :, None], features, 0),
        "bonds": tf.where(is_molecule[:, None, None], bonds, 0),
        "num_atoms": tf.where(is_molecule, text.num_atoms, 0),
    }


class _Pairs:
    """Pairs of atoms, to be added to a symmetric matrix."""

    def __init__(self, first, second, is_pair, max_atoms):
        self._size = max_atoms
        first, second = tf.broadcast_to(first, tf.shape(second)), second
        is_pair &= (first < max_atoms) & (second < max_atoms)
        rows = tf.range(tf.shape(second)[0])[:, None]
        flat = (rows * max_atoms + first) * max_atoms + second
        # Others are added to a place that is dropped.
        total = tf.shape(second)[0] * max_atoms * max_atoms
        self._total = total
        self._places = tf.where(is_pair, flat, total)

    def matrix(self, values):
        """Returns int32 of shape `(batch, max_atoms, max_atoms)`."""
        values = tf.broadcast_to(values, tf.shape(self._places))
        sums = tf.math.unsorted_segment_sum(
            values, self._places, self._total + 1
        )[:-1]
        one_way = tf.reshape(sums, (-1, self._size, self._size))
        return one_way + tf.transpose(one_way, (0, 2, 1))


def _parents(text, atoms):
    """Finds for each atom the earlier one that its branch continues.

    In a sound string a branch opens only in front of an atom, so that the
    parent is the latest atom no deeper than the place before that branch.
    """
    opened = atoms.branches - tf.concat(
        [tf.zeros_like(atoms.branches[:, :1]), atoms.branches[:, :-1]], 1
    )
    limits = atoms.depth - opened
    numbers = tf.range(tf.shape(atoms.depth)[1])
    is_before = numbers[None, :] < numbers[:, None]
    is_open = atoms.depth[:, None, :] <= limits[:, :, None]
    parents = tf.reduce_max(
        tf.where(is_before & is_open, numbers[None, :], -1), axis=2
    )
    kind_before = tf.gather(shifted(text.kinds, 1), atoms.starts, batch_dims=1)
    is_bonded = atoms.present & (parents >= 0) & (kind_before != DOT)
    return parents, is_bonded


def _rings(text):
    """Finds the bonds that two equal numbers close."""
    counts = tf.reduce_sum(tf.cast(text.is_ring, tf.int32), axis=1)
    limit = tf.reduce_max(tf.concat([counts, [1]], 0))
    places = text.starts(text.is_ring, limit)
    present = places < text.width
    places = tf.minimum(places, text.width - 1)
    digit = text.characters - ord("0")
    two = 10 * text.number_at(1) + text.number_at(2)
    names = tf.where(text.characters == ord("%"), two, digit)
    names = tf.where(present, tf.gather(names, places, batch_dims=1), -1)
    is_same = (names[:, :, None] == names[:, None, :]) & present[:, :, None]
    numbers = tf.range(limit)
    is_before = numbers[None, :] < numbers[:, None]
    ranks = tf.reduce_sum(tf.cast(is_same & is_before, tf.int32), axis=2)
    opens = present & (ranks % 2 == 0)
    is_partner = is_same & (numbers[None, :] > numbers[:, None])
    is_partner &= ranks[:, None, :] == ranks[:, :, None] + 1
    partners = tf.argmax(
        tf.cast(is_partner, tf.int32), axis=2, output_type=tf.int32
    )
    has_partner = tf.reduce_any(is_partner, axis=2)
    owners = tf.gather(text.num_before, places, batch_dims=1) - 1
    orders = text.order_before(places)
    second_orders = tf.gather(orders, partners, batch_dims=1)
    return {
        "first": tf.maximum(owners, 0),
        "second": tf.maximum(tf.gather(owners, partners, batch_dims=1), 0),
        "order": tf.where(orders > 0, orders, second_orders),
        "is_bond": opens & has_partner,
        "is_sound": tf.reduce_all(has_partner | ~opens, axis=1),
    }


def neighbours(bonds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Lists the bonds of each atom.

    Args:
        bonds: int32 of shape `(batch, atoms, atoms)`, as `parse` makes it.

    Returns:
        Pair of int32 of shape `(batch, atoms, MAX_BONDS)`: the numbers of the
        atoms bonded to, and the kinds of the bonds; 0 where there are no more.
        An atom's further bonds are left out.
    """
    size = tf.shape(bonds)[1]
    ranks = tf.where(bonds > 0, size - tf.range(size), 0)
    ranks = tf.pad(ranks, [[0, 0], [0, 0], [0, MAX_BONDS]])
    ranks = tf.math.top_k(ranks, MAX_BONDS).values
    places = tf.where(ranks > 0, size - ranks, 0)
    kinds = tf.gather(bonds, places, batch_dims=2)
    return places, tf.where(ranks > 0, kinds, 0)
