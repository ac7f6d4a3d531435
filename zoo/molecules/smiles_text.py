"""The characters of SMILES strings: what each is part of, and what it says.

The grammar is that of OpenSMILES (http://opensmiles.org/opensmiles.html).
"""

import numpy as np
import tensorflow as tf

# Longer strings are not molecules: what a string costs has a bound.
MAX_CHARACTERS = 1000
# Ids of elements are atomic numbers; 0 is padding.
_ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni "
    "Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I "
    "Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt "
    "Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr "
    "Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split()
# An element that is unknown, such as *.
OTHER = len(_ELEMENTS) + 1
SINGLE, DOUBLE, TRIPLE, AROMATIC = 1, 2, 3, 4
# What a character is part of, and what may follow what. Padding is _EDGE, the
# string's start and its end.
_EDGE, _ATOM, _RING, _BOND, DOT, _OPEN, _CLOSE, _OTHER = range(8)
_MAY_FOLLOW = {
    _EDGE: (_EDGE, _ATOM),
    _ATOM: (_EDGE, _ATOM, _RING, _BOND, DOT, _OPEN, _CLOSE),
    _RING: (_EDGE, _ATOM, _RING, _BOND, DOT, _OPEN, _CLOSE),
    _BOND: (_ATOM, _RING),
    DOT: (_ATOM,),
    _OPEN: (_ATOM, _BOND, DOT),
    _CLOSE: (_EDGE, _ATOM, _BOND, DOT, _OPEN, _CLOSE),
    _OTHER: (),
}


def _codes(table: dict) -> np.ndarray:
    """Makes an array from a character's byte to its value."""
    codes = np.zeros(256, np.int32)
    for characters, value in table.items():
        codes[list(characters.encode())] = value
    return codes


def _elements() -> np.ndarray:
    """Makes an array from two letters, `256 * first + second`, to an id."""
    ids = np.full(256 * 256, OTHER, np.int32)
    for number, symbol in enumerate(_ELEMENTS, 1):
        second = ord(symbol[1]) if len(symbol) > 1 else 0
        for first in symbol[0], symbol[0].lower():
            ids[256 * ord(first) + second] = number
    return ids


_KINDS = _codes(
    {
        "BCNOPSFIbcnops*": _ATOM,
        "0123456789%": _RING,
        "-=#$:/\\": _BOND,
        ".": DOT,
        "(": _OPEN,
        ")": _CLOSE,
    }
)
_ORDERS = _codes({"-": SINGLE, "=": DOUBLE, "#$": TRIPLE, ":": AROMATIC})
_IDS = _elements()
_ALLOWED = np.array(
    [[b in _MAY_FOLLOW[a] for b in range(8)] for a in range(8)]
).ravel()


class Text:
    """The characters of a batch of strings, and what each is part of.

    Attributes, each of shape `(batch, width)`: `characters`, bytes with padding
    0; `in_bracket`; `kinds`, what a character is part of; `is_atom`, where an
    atom starts; `is_ring`, where a ring's number starts; `depth` in branches.
    """

    def __init__(self, smiles):
        lengths = tf.strings.length(smiles)
        fits = lengths <= MAX_CHARACTERS
        smiles = tf.where(fits, smiles, "")
        lengths = tf.where(fits, lengths, 0)
        # Padding at the end, that the last token can be looked beyond.
        self.width = tf.reduce_max(tf.concat([lengths, [0]], 0)) + 1
        padded = tf.io.decode_raw(smiles, tf.uint8, fixed_length=self.width)
        self.characters = tf.cast(padded, tf.int32)
        self.in_string = tf.range(self.width) < lengths[:, None]
        opens = self._count(self._is("["))
        closes = self._count(self._is("]"))
        levels = opens - closes + tf.cast(self._is("]"), tf.int32)
        self.in_bracket = levels > 0
        outside = self.in_string & ~self.in_bracket
        before = shifted(self.characters, 1)
        is_second = outside & shifted(outside, 1)
        is_second &= (self._is("l") & (before == ord("C"))) | (
            self._is("r") & (before == ord("B"))
        )
        percent = outside & self._is("%")
        of_percent = shifted(percent, 1) | shifted(percent, 2)
        digit = self._is_digit(self.characters)
        kinds = tf.where(outside, tf.gather(_KINDS, self.characters), _EDGE)
        kinds = tf.where(outside & (kinds == _EDGE), _OTHER, kinds)
        self.is_atom = (kinds == _ATOM) | (self._is("[") & self.in_bracket)
        self.is_ring = (kinds == _RING) & ~of_percent
        kinds = tf.where(self.in_bracket | is_second, _ATOM, kinds)
        kinds = tf.where(of_percent & ~(digit & outside), _OTHER, kinds)
        self.kinds = kinds
        self.branches = self._count(kinds == _OPEN)
        self.depth = self.branches - self._count(kinds == _CLOSE)
        self.num_before = self._count(self.is_atom)
        self.num_atoms = self.num_before[:, -1]
        is_start = self.is_atom | self.is_ring
        is_start |= (kinds != _ATOM) & (kinds != _RING)
        follows = 8 * shifted(kinds, 1) + kinds
        allowed = tf.gather(_ALLOWED, follows) | ~is_start
        # A character after the padding's start is not one of the string.
        allowed &= self.in_string | (kinds == _EDGE)
        # In brackets too.
        is_visible = (self.characters > ord(" ")) & (self.characters < 127)
        allowed &= is_visible | ~self.in_string
        self.is_sound = (
            tf.reduce_all(allowed, 1)
            & tf.reduce_all((levels >= 0) & (levels <= 1), 1)
            & (opens[:, -1] == closes[:, -1])
            & tf.reduce_all(self.depth >= 0, 1)
            & (self.depth[:, -1] == 0)
        )

    def starts(self, flags, limit):
        """Finds the first `limit` positions with a flag, else `width`."""
        places = tf.range(self.width)
        ranks = tf.where(flags, self.width - places, 0)
        missing = tf.maximum(limit - self.width, 0)
        ranks = tf.pad(ranks, [[0, 0], [0, missing]])
        return self.width - tf.math.top_k(ranks, limit).values

    def order_before(self, places):
        """Returns the order of the bond named before a position, or 0."""
        codes = tf.gather(_ORDERS, shifted(self.characters, 1))
        codes = tf.where(shifted(self.kinds, 1) == _BOND, codes, 0)
        return tf.gather(codes, places, batch_dims=1)

    def _is(self, character):
        return self.characters == ord(character)

    def _is_digit(self, characters):
        return (characters >= ord("0")) & (characters <= ord("9"))

    def _count(self, flags):
        return tf.cumsum(tf.cast(flags, tf.int32), axis=1)

    def number_at(self, distance):
        """Returns the digit at a distance behind each position, else -1."""
        characters = shifted(self.characters, -distance)
        digits = characters - ord("0")
        return tf.where(self._is_digit(characters), digits, -1)


class Atoms:
    """What the characters from each atom's start to the next's say."""

    def __init__(self, text, starts, ends, present):
        characters = text.characters
        bracket = text.in_bracket
        at = shifted(characters, -1)
        behind = shifted(characters, -2)
        # Up to three digits, an isotope.
        for distance in (2, 3, 4):
            is_digit = (at >= ord("0")) & (at <= ord("9"))
            at = tf.where(is_digit, shifted(characters, -distance), at)
            following = shifted(characters, -distance - 1)
            behind = tf.where(is_digit, following, behind)
        symbols = tf.where(bracket, at, characters)
        second = tf.where(bracket, behind, shifted(characters, -1))
        is_lower = (second >= ord("a")) & (second <= ord("z"))
        is_two = ((characters == ord("C")) & (second == ord("l"))) | (
            (characters == ord("B")) & (second == ord("r"))
        )
        second = tf.where(tf.where(bracket, is_lower, is_two), second, 0)
        ids = tf.gather(_IDS, 256 * symbols + second)
        is_letter = ((symbols | 32) >= ord("a")) & ((symbols | 32) <= ord("z"))
        is_symbol = is_letter | (symbols == ord("*"))
        lower = (symbols >= ord("a")) & (symbols <= ord("z"))
        number = text.number_at(1)
        signs = tf.where(characters == ord("+"), 1, 0)
        signs -= tf.where(characters == ord("-"), 1, 0)
        charges = tf.where(bracket, signs * tf.where(number < 0, 1, number), 0)
        before = shifted(characters, 1)
        # An H that is first in its bracket is an atom itself.
        is_first = (before == ord("[")) | text._is_digit(before)
        is_hydrogen = bracket & (characters == ord("H")) & ~is_first
        hydrogens = tf.where(is_hydrogen, tf.where(number < 0, 1, number), 0)

        def at_starts(values):
            return tf.gather(values, starts, batch_dims=1)

        def between(values):
            sums = tf.cumsum(values, axis=1)
            return tf.gather(sums, ends, batch_dims=1) - at_starts(sums)

        self.starts, self.present = starts, present
        self.elements = tf.where(present, at_starts(ids), 0)
        self.aromatic = at_starts(lower) & present
        self.charges = between(charges)
        self.hydrogens = between(hydrogens)
        self.depth = at_starts(text.depth)
        self.branches = at_starts(text.branches)
        self.is_sound = tf.reduce_all(is_symbol | ~text.is_atom, 1)


def shifted(values, distance):
    """Returns the values `distance` positions before, or behind where negative.

    Beyond the ends is 0 or `False`.
    """
    if distance > 0:
        return tf.pad(values, [[0, 0], [distance, 0]])[:, :-distance]
    return tf.pad(values, [[0, 0], [0, -distance]])[:, -distance:]
