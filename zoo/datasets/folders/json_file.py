"""JSON files, and the lines of what stands in them."""

import json
from pathlib import Path

from zoo.datasets.folders.records import Damage


def read(path: Path):
    """Reads a JSON file.

    Returns:
        Pair of the value and of `Positions`, which finds lines in it.

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
        return json.loads(text), Positions(text)
    except json.JSONDecodeError as error:
        raise Damage(
            f"Expected JSON. Received: {error.msg}", error.lineno
        ) from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or thousands of levels.
        raise Damage(f"Expected JSON. Received: {error}", 1) from error


class Positions:
    """Where the elements of an object's lists stand.

    Args:
        text: String, the text of a JSON value.
    """

    def __init__(self, text: str):
        self._text = text
        self._lines = {}

    def line_of(self, key: str, index: int) -> int:
        """Finds the line at which an element of a list begins.

        Args:
            key: String, a key of the object, whose value is a list.
            index: Integer, the element's place in the list.

        Returns:
            Integer from 1.
        """
        if key not in self._lines:
            self._lines[key] = list(self._lines_of(key))
        return self._lines[key][index]

    def _lines_of(self, key):
        """Yields the line of each element; the text is parsed once more."""
        text, decoder = self._text, json.JSONDecoder()
        place = _skip(text, text.index("{") + 1)
        while True:
            name, place = decoder.raw_decode(text, place)
            place = _skip(text, place)
            if name == key:
                break
            _, place = decoder.raw_decode(text, place)
            place = _skip(text, place)
        place = _skip(text, place + 1)
        line, counted = 1, 0
        while text[place] != "]":
            line += text.count("\n", counted, place)
            counted = place
            yield line
            _, place = decoder.raw_decode(text, place)
            place = _skip(text, place)


def _skip(text, position):
    """Passes white space and the commas and colons between values."""
    while text[position] in " \t\r\n,:":
        position += 1
    return position
