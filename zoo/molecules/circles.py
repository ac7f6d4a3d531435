"""Hashes the surroundings of a molecule's atoms, by Weisfeiler and Lehman.

As the circular fingerprints of Rogers and Hahn (Extended-connectivity
fingerprints, J. Chem. Inf. Model. 2010), with sums in place of sorted lists.
"""

import tensorflow as tf

# Numbers that spread bits: splitmix64 of Steele, Lea and Flood (OOPSLA 2014).
_STEP = 0x9E3779B97F4A7C15
_FACTORS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def hashes(atoms: tf.Tensor, bonds: tf.Tensor, radius: int) -> tf.Tensor:
    """Hashes what is around each atom up to a number of bonds.

    Equal surroundings have equal hashes, in any order of the atoms, on each
    machine and in each process.

    Args:
        atoms: Integer tensor of shape `(batch, atoms, features)`, 0 at the
            padding.
        bonds: Integer tensor of shape `(batch, atoms, atoms)`.
        radius: Integer of at least 0.

    Returns:
        uint64 of shape `(radius + 1, batch, atoms)`: of the atom, with its
        neighbours, with theirs, ... Of no meaning at the padding.
    """
    codes = _number(0)
    for index in range(atoms.shape[-1]):
        codes = _mixed(codes + tf.cast(atoms[:, :, index], tf.uint64))
    is_bond = tf.cast(bonds > 0, tf.uint64)
    kinds = tf.cast(bonds, tf.uint64) * _number(_STEP)
    rounds = [codes]
    for _ in range(radius):
        neighbours = _mixed(codes[:, None, :] + kinds) * is_bond
        codes = _mixed(codes * _number(3) + tf.reduce_sum(neighbours, axis=2))
        rounds.append(codes)
    return tf.stack(rounds)


def _number(value):
    return tf.constant(value, tf.uint64)


def _mixed(codes):
    codes = codes + _number(_STEP)
    for shift, factor in _FACTORS:
        codes = _folded(codes, shift) * _number(factor)
    return _folded(codes, 31)


def _folded(codes, shift):
    high = tf.bitwise.right_shift(codes, _number(shift))
    return tf.bitwise.bitwise_xor(codes, high)
