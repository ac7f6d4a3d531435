"""Finds the spans marked by the tags of tokens, as seqeval does."""

import numpy as np

# Prefixes in the order of their numbers.
_PREFIXES = "OBIES"
_O, _B, _I, _E, _S = range(5)


class TagSet:
    """The meaning of each tag: the position in a span, and the span's kind.

    Args:
        class_names: Sequence of strings: `"O"`, or a prefix `B`, `I`, `E` or
            `S`, a hyphen and a kind, such as `"B-artist"`.

    Raises:
        ValueError: If a name is not such a tag.
    """

    def __init__(self, class_names):
        names = list(class_names)
        invalid = [name for name in names if not _is_tag(name)]
        if invalid or not names:
            raise ValueError(
                "Tags must be 'O', or a prefix B, I, E or S, a hyphen and a "
                f"kind, such as 'B-artist'. Received: {invalid or names!r}"
            )
        kinds = sorted({name[2:] for name in names if name != "O"})
        self.prefixes = np.array([_PREFIXES.index(name[0]) for name in names])
        self.kinds = np.array(
            [-1 if name == "O" else kinds.index(name[2:]) for name in names]
        )

    def find(self, tags, sentences):
        """Finds the spans in a sequence of tags.

        The rules are conlleval's, lenient: a span starts at `B` or `S`, after
        a span of another kind, or where an `I` or `E` has nothing to continue.

        Args:
            tags: Integer array of shape `(tokens,)`, of all sentences
                concatenated.
            sentences: Integer array of shape `(tokens,)`, the number of each
                token's sentence; spans end where it changes.

        Returns:
            Integer array of shape `(spans, 3)`: first token, last token, kind.
        """
        prefix, kind = self.prefixes[tags], self.kinds[tags]
        breaks = np.ones(len(tags) + 1, bool)
        breaks[1:-1] = sentences[1:] != sentences[:-1]
        # The tags before and after each token; "O" at a sentence's ends.
        before, after = _shifted(prefix, _O), _shifted(prefix, _O, ahead=True)
        kind_before = _shifted(kind, -1)
        kind_after = _shifted(kind, -1, ahead=True)
        before[breaks[:-1]], kind_before[breaks[:-1]] = _O, -1
        after[breaks[1:]], kind_after[breaks[1:]] = _O, -1
        first = _begins(before, prefix, kind_before, kind)
        last = _ends(prefix, after, kind, kind_after)
        start = np.flatnonzero(first)
        return np.stack([start, np.flatnonzero(last), kind[start]], axis=-1)


def _is_tag(name) -> bool:
    return name == "O" or (
        isinstance(name, str)
        and len(name) > 2
        and name[0] in "BIES"
        and name[1] == "-"
    )


def _shifted(tags, filler, *, ahead=False):
    shifted = np.full_like(tags, filler)
    if ahead:
        shifted[:-1] = tags[1:]
    else:
        shifted[1:] = tags[:-1]
    return shifted


def _begins(before, tag, kind_before, kind):
    is_inside = (tag == _I) | (tag == _E)
    ended = (before == _E) | (before == _S) | (before == _O)
    changes = (tag != _O) & (kind_before != kind)
    return (tag == _B) | (tag == _S) | (is_inside & ended) | changes


def _ends(tag, after, kind, kind_after):
    is_open = (tag == _B) | (tag == _I)
    closes = (after == _B) | (after == _S) | (after == _O)
    changes = (tag != _O) & (kind_after != kind)
    return (tag == _E) | (tag == _S) | (is_open & closes) | changes
