"""Schemes of tags: IOB1, IOB2, BIOES and BILOU to the project's BIO (IOB2).

A chunk begins at B, S or U, and at a tag that continues nothing: another kind
or O stands before it, or a chunk that E, S, L or U has ended. This is
conlleval's rule; it reads IOB1 and IOB2 alike, so that the scheme is only
reported.
"""

from zoo.datasets.folders.records import Damage

_PREFIXES = "BIESLU"
_ENDS = "ESLU"
_SINGLE = "SU"


class Scheme:
    """Counts what tells the schemes apart, over all sentences of a task."""

    def __init__(self):
        self._prefixes = set()
        self._odd_inside = self._plain_begin = 0
        self._num_plain = self._num_marked = 0

    def see(self, tags: list[str]) -> None:
        """Counts the tags of a sentence."""
        before = None
        for tag in tags:
            prefix, kind = split(tag)
            if prefix is None:
                self._num_plain += tag != "O"
            else:
                self._num_marked += 1
                self._prefixes.add(prefix)
            if prefix == "I" and before != kind:
                self._odd_inside += 1
            if prefix == "B" and before != kind:
                self._plain_begin += 1
            before = kind

    @property
    def num_repaired(self) -> int:
        """How many tags I of IOB2 continue nothing, and begin a span."""
        return self._odd_inside if self.name == "IOB2" else 0

    @property
    def name(self) -> str:
        """`"plain"`, `"IOB1"`, `"IOB2"`, `"BIOES"` or `"BILOU"`."""
        if self._num_marked <= self._num_plain or not self._num_marked:
            return "plain"
        if self._prefixes & set("ES"):
            return "BIOES"
        if self._prefixes & set("LU"):
            return "BILOU"
        return "IOB1" if self._odd_inside > self._plain_begin else "IOB2"


def split(tag: str) -> tuple[str | None, str | None]:
    """Splits `B-city` into B and city; a tag of no scheme has no prefix."""
    if len(tag) > 2 and tag[1] == "-" and tag[0] in _PREFIXES:
        return tag[0], tag[2:]
    return None, None


def to_bio(tags: list[str], *, is_plain: bool) -> list[str]:
    """Converts the tags of a sentence.

    Args:
        tags: List of strings in any of the schemes.
        is_plain: Boolean, whether the tags are of no scheme (parts of
            speech): they are then returned as they are.

    Returns:
        List of strings of the same length: `O`, `B-...`, `I-...`.

    Raises:
        Damage: If a tag is neither O nor of a scheme.
    """
    if is_plain:
        return list(tags)
    converted = []
    before, has_ended = None, True
    for tag in tags:
        prefix, kind = split(tag)
        if prefix is None and tag != "O":
            raise Damage(
                f"Expected O or a tag such as B-city. Received: {tag[:40]!r}"
            )
        if prefix is None:
            converted.append("O")
        else:
            begins = prefix in "B" + _SINGLE or before != kind or has_ended
            converted.append(f"{'B' if begins else 'I'}-{kind}")
        before, has_ended = kind, prefix is None or prefix in _ENDS
    return converted


def class_names(names) -> tuple[str, ...]:
    """Orders tags: O first, then B and I of each kind; plain ones sorted."""
    kinds = {split(name)[1] for name in names} - {None}
    if not kinds:
        return tuple(sorted(names))
    return ("O", *(f"{p}-{kind}" for kind in sorted(kinds) for p in "BI"))
