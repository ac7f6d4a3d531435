"""Splits by a hash of what tells examples apart: equal ones stay together."""

import hashlib
from collections.abc import Iterable, Iterator


def part(text: str | bytes, validation: int, test: int = 0) -> str:
    """Chooses the split of an example.

    Args:
        text: String or bytes, what is equal in examples that belong together.
        validation: Integer, how many of 256 examples are for validation.
        test: Integer, how many of 256 are for the test.

    Returns:
        `"test"`, `"validation"` or `"train"`.
    """
    if isinstance(text, str):
        text = text.encode()
    number = hashlib.sha256(text).digest()[0]
    if number < test:
        return "test"
    return "validation" if number < test + validation else "train"


def of_split(examples: Iterable[tuple[str, dict]], split: str) -> Iterator:
    """Numbers the examples of all splits, and yields those of one.

    Args:
        examples: Pairs of the split and of the features.
        split: String.

    Yields:
        Pairs of the number and of the features, as TFDS takes them.
    """
    for number, (name, features) in enumerate(examples):
        if name == split:
            yield number, features
