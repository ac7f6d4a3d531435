"""Cells of a table's row as the labels of a task."""

import json

from zoo.datasets.folders import values
from zoo.datasets.folders.records import Damage
from zoo.datasets.folders.rows import is_missing


def read(kind: str, cells: list):
    """Reads a label that needs no other knowledge than its cells.

    Args:
        kind: String, the task's kind; not a box, whose unit the file decides.
        cells: List of a row's cells that hold the label.

    Returns:
        The label as `records.Example` has it, `None` where it is missing; of
        a mask, the file as it is named.

    Raises:
        Damage: If a cell holds something else.
    """
    if kind == "survival":
        return survival(*cells)
    (value,) = cells
    if is_missing(value):
        return None
    if kind in ("classification", "mask"):
        return values.text(value)
    if kind == "presence":
        return values.presence(value)
    if kind == "tagging":
        return words(value)
    return values.number(value)


def survival(time, event) -> tuple[float, int] | None:
    """Reads a time and whether the event came then."""
    time = values.number(time, "a time of at least 0")
    event = values.presence(event)
    if time is None or event is None:
        return None
    if time < 0:
        raise Damage(f"Expected a time of at least 0. Received: {time:g}")
    return time, event


def words(value) -> list[str]:
    """Reads words: a list, a JSON list in a cell, or separated by spaces."""
    if isinstance(value, str) and value.lstrip().startswith('["'):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise Damage(
                f"Expected a list of words. Received: {value[:40]!r}"
            ) from error
    if isinstance(value, str):
        return value.split()
    if not isinstance(value, list | tuple):
        return values.text(value).split()
    for word in value:
        if not isinstance(word, str) or not word or word.split() != [word]:
            raise Damage(
                "Expected a list of words without spaces. "
                f"Received: {str(word)[:40]!r}"
            )
    return list(value)


def check_tags(tokens: list[str], tags: list[str] | None, task: str) -> None:
    """Checks that there is a tag for each word.

    Raises:
        Damage: If there is not.
    """
    if tags is not None and len(tags) != len(tokens):
        raise Damage(
            f"Expected a tag of {task!r} for each of {len(tokens)} words. "
            f"Received: {len(tags)} tags"
        )
