"""Words of sentences as a preprocessor that splits words finds them."""

import collections
import re
from collections.abc import Iterable

from zoo.datasets.folders.records import Example


class Resplit:
    """Splits words at more characters than white space; tags go along.

    A model that cuts "don't." into "don" and "t" needs a tag for each. The
    first piece of a word has its tag; the others continue the span. Words
    without any piece, such as ".", and their tags are left out.

    Args:
        separators: String of characters, such as
            `mtl_keras.data.text.SEPARATORS`.
        tagged: Dict of tagging task to whether its tags are of no scheme.
    """

    def __init__(self, separators: str, tagged: dict):
        # NUL is white space to `SentencePreprocessor`.
        self._pattern = re.compile(rf"[{re.escape(separators)}\0\s]+")
        self._tagged = tagged

    def __call__(self, example: Example) -> Example | None:
        """Splits an example's words.

        Args:
            example: `Example` with tags in BIO.

        Returns:
            The same example, changed; `None` if no word is left.
        """
        pieces = [
            [piece for piece in self._pattern.split(word) if piece]
            for word in example.inputs["tokens"]
        ]
        tokens = [piece for parts in pieces for piece in parts]
        if not tokens:
            return None
        example.inputs["tokens"] = tokens
        for task, is_plain in self._tagged.items():
            tags = example.labels[task]
            if tags is not None:
                example.labels[task] = _along(tags, pieces, is_plain)
        return example


def _along(tags, pieces, is_plain):
    spread = []
    # A span whose first word is gone begins at the next one.
    pending = None
    for tag, parts in zip(tags, pieces, strict=True):
        if not parts:
            pending = tag if tag.startswith("B-") else pending
            continue
        first = tag
        if not is_plain and pending is not None and tag == f"I{pending[1:]}":
            first = pending
        pending = None
        inside = tag
        if not is_plain and tag != "O":
            inside = f"I{tag[1:]}"
        spread += [first, *[inside] * (len(parts) - 1)]
    return spread


def vocabulary(
    examples: Iterable[Example], min_count: int = 2
) -> tuple[str, ...]:
    """Collects the words of examples, in lower case, the most frequent first.

    Args:
        examples: Iterable of `Example`.
        min_count: Integer, how often a word must occur.

    Returns:
        Tuple of strings.
    """
    counts = collections.Counter(
        word.lower()
        for example in examples
        for word in example.inputs["tokens"]
    )
    frequent = [(-n, word) for word, n in counts.items() if n >= min_count]
    return tuple(word for _, word in sorted(frequent))
