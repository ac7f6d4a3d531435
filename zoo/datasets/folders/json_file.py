"""JSON files, and the lines of what stands in them."""

import json
from pathlib import Path

from zoo.datasets.folders.records import Damage


def read(path: Path):
    """Reads a JSON file.

    Returns:
        Pair of the value and the text.

    Raises:
        Damage: If it is not UTF-8 or not JSON, with the line.
    """
    contents = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        text = contents.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Damage(
            "Expected UTF-8 text. Received: the byte "
            f"{contents[error.start]:#04x}. Save the file as UTF-8.",
            contents.count(b"\n", 0, error.start) + 1,
        ) from error
    try:
        return json.loads(text), text
    except json.JSONDecodeError as error:
        raise Damage(
            f"Expected JSON. Received: {error.msg}", error.lineno
        ) from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or thousands of levels.
        raise Damage(f"Expected JSON. Received: {error}", 1) from error


def line_of(text: str, key: str, index: int) -> int:
    """Finds the line at which an element of a list begins.

    Args:
        text: String, the text of a JSON object.
        key: String, a key of the object, whose value is a list.
        index: Integer, the element's place in the list.

    Returns:
        Integer from 1.
    """
    decoder = json.JSONDecoder()
    position = _skip(text, text.index("{") + 1)
    while True:
        name, position = decoder.raw_decode(text, position)
        position = _skip(text, position)
        if name == key:
            break
        _, position = decoder.raw_decode(text, position)
        position = _skip(text, position)
    position = _skip(text, position + 1)
    for _ in range(index):
        _, position = decoder.raw_decode(text, position)
        position = _skip(text, position)
    return text.count("\n", 0, position) + 1


def _skip(text, position):
    """Passes white space and the commas and colons between values."""
    while text[position] in " \t\r\n,:":
        position += 1
    return position
