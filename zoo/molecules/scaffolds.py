"""Scaffolds of molecules: rings and what links them.

Bemis and Murcko, The properties of known drugs. 1. Molecular frameworks,
J. Med. Chem. 1996.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.molecules import circles, graphs
from zoo.molecules.smiles_text import DOUBLE

# Of larger molecules than the last the string is the key.
_SIZES = (64, 160)
_RADIUS = 8
_BATCH_SIZE = 256


def keys(smiles: Sequence[str]) -> list[str]:
    """Makes a key of each molecule: equal ones for equal scaffolds.

    Side chains are stripped; atoms with a double bond to what remains are kept,
    as RDKit's `MurckoScaffold` does. The key is a hash of the elements and
    bonds, so that different scaffolds may share one, which joins their groups;
    charges and hydrogens are no part of it.

    Args:
        smiles: Sequence of strings.

    Returns:
        List of strings of 16 characters. Of a molecule without a ring, with
        more than 160 atoms or that cannot be parsed: the string itself.
    """
    smiles = list(smiles)
    scaffold_keys = list(smiles)
    left = range(len(smiles))
    for size in _SIZES:
        larger = []
        for start in range(0, len(left), _BATCH_SIZE):
            places = left[start : start + _BATCH_SIZE]
            codes, num_atoms = _hashes(
                [smiles[place] for place in places], size
            )
            for place, code, atoms in zip(
                places, codes, num_atoms, strict=True
            ):
                if atoms > size:
                    larger.append(place)
                elif code:
                    scaffold_keys[place] = f"{code:016x}"
        left = larger
    return scaffold_keys


def _hashes(smiles, size):
    """Returns hashes, 0 without a ring, and the numbers of atoms."""
    graph = graphs.parse(tf.constant(smiles), size)
    atoms, bonds = graph["atoms"].numpy(), graph["bonds"].numpy()
    kept = stripped(bonds)
    # Elements and whether they are aromatic.
    atoms = atoms[:, :, [0, 3]] * kept[:, :, None]
    bonds = bonds * (kept[:, :, None] & kept[:, None, :])
    rounds = circles.hashes(tf.constant(atoms), tf.constant(bonds), _RADIUS)
    codes = np.where(kept, rounds[-1].numpy(), np.uint64(0))
    # Unsigned sums wrap around, in any order to the same value.
    return codes.sum(axis=1, dtype=np.uint64), graph["num_atoms"].numpy()


def stripped(bonds: np.ndarray) -> np.ndarray:
    """Finds the atoms of scaffolds.

    Args:
        bonds: Array of shape `(batch, atoms, atoms)`, as `graphs.parse` makes.

    Returns:
        Booleans of shape `(batch, atoms)`: atoms of rings, of chains between
        them, and those with a double bond to such an atom.
    """
    is_bond = bonds > 0
    kept = is_bond.any(axis=2)
    while True:
        neighbours = (is_bond & kept[:, None, :]).sum(axis=2)
        remaining = kept & (neighbours > 1)
        if (remaining == kept).all():
            break
        kept = remaining
    is_double = (bonds == DOUBLE) & kept[:, None, :]
    return kept | is_double.any(axis=2)
