"""Which name is another one misspelt."""

# More edits make another name.
_MOST_EDITS = 2


def is_misspelt(name: str, right: str) -> bool:
    """Tells whether two different names are a few edits apart.

    Names that differ in their digits, such as `class1` and `class2`, are two
    names.

    Args:
        name: String.
        right: String, a name that is known to be right.

    Returns:
        Boolean.
    """
    name, right = name.lower(), right.lower()
    shorter = min(len(name), len(right))
    if name == right or shorter < 3 or abs(len(name) - len(right)) > 2:
        return False
    if _digits(name) != _digits(right):
        return False
    return _edits(name, right) <= (1 if shorter < 5 else _MOST_EDITS)


def _digits(name):
    return [character for character in name if character.isdigit()]


def _edits(first, second):
    """Counts insertions, deletions, replacements and swaps of neighbours."""
    rows = [list(range(len(second) + 1))]
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            least = min(
                rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b)
            )
            if i > 1 and j > 1 and (a, b) == (second[j - 2], first[i - 2]):
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]
