"""What keeps the heads of a sentence's words from being a dependency tree."""

from collections.abc import Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with the head of a word.

    Attributes:
        index: Integer, the word's index, from 0.
        expected: String.
        received: String.
    """

    index: int
    expected: str
    received: str


def first(heads: Sequence[int]) -> Fault | None:
    """Finds the first fault of a sentence's heads.

    Args:
        heads: Integers, the number of each word's head, from 1; 0 is the root.

    Returns:
        `Fault`, or `None` where the heads are a tree with one root.
    """
    for index, head in enumerate(heads):
        if not 0 <= head <= len(heads):
            return Fault(index, f"a head from 0 to {len(heads)}", str(head))
    roots = [index for index, head in enumerate(heads) if head == 0]
    if len(roots) != 1:
        index = roots[1] if roots else 0
        return Fault(index, "one word with the head 0", f"{len(roots)} words")
    is_below_root = {0}
    for index in range(len(heads)):
        path, word = [], index + 1
        while word not in is_below_root:
            if word in path:
                cycle = path[path.index(word) :]
                words = ", ".join(map(str, sorted(cycle)[:5]))
                return Fault(
                    min(cycle) - 1,
                    "heads without a cycle",
                    f"a cycle of {len(cycle)} words: {words}",
                )
            path.append(word)
            word = heads[word - 1]
        is_below_root.update(path)
    return None
