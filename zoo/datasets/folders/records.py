"""What a reader yields: examples with their place, and problems with theirs."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    Args:
        file: String, the path within the folder.
        line: Integer from 1, or `None` for the whole file.
    """

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place.

    Args:
        place: `Place`.
        text: String: what was expected, and what was received.
        is_error: Boolean, whether training on it would fail or be wrong.
            Defaults to `True`; a warning otherwise.
    """

    place: Place
    text: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class DataError(ValueError):
    """A folder that cannot be read as it is; names a file and a line.

    Args:
        problem: `Problem`, the first one.
        num_others: Integer, how many errors there are beside it.
    """

    def __init__(self, problem: Problem, num_others: int = 0):
        text = str(problem)
        if num_others:
            text += (
                f" There are {num_others:,} more errors: "
                "`python -m tools.inspect` lists all of them."
            )
        super().__init__(text)
        self.problem = problem


class Damage(ValueError):
    """Raised within a reader, which turns it into a `Problem`.

    Args:
        text: String: what was expected, and what was received.
        line: Integer, where the place is a line of the file being read.
        file: String, where it is another file than the one being read.
    """

    def __init__(
        self, text: str, line: int | None = None, file: str | None = None
    ):
        super().__init__(text)
        self.line, self.file = line, file

    def at(self, file: str, line: int | None = None) -> Problem:
        """Makes the problem of a file, at a line if none was known."""
        if self.file is not None:
            return Problem(Place(self.file, self.line), str(self))
        line = self.line if line is None else line
        return Problem(Place(file, line), str(self))


@dataclasses.dataclass(slots=True)
class Example:
    """One example, as it stands in the folder.

    Args:
        place: `Place` of its labels.
        inputs: Dict. Images and recordings: `image` or `audio`, the file's
            path within the folder. Sentences: `tokens`, a list of strings.
            Tables: a value for each input column, `None` where it is missing.
        labels: Dict of task name to label, `None` where it is missing. A
            class is a string; tags are a list of strings; a presence is 0 or
            1; a number is a float; a box is a tuple `x1, y1, x2, y2` in
            fractions of the image; a survival time is a pair of time and
            event; a mask is a `masks.Mask`,
            depths and normals are a `maps.Map`; a detection is a list of
            `objects.Thing`, and a count a list of their classes.
        split: String, `"train"`, `"validation"` or `"test"`, or `None` where
            the folder does not say.
        group: String, what must not be in two splits, or `None`.
        places: Dict of task name to `Place`, of labels that stand elsewhere
            than at `place`; or to a list of lines, one a word. Defaults to
            `None`: all stand there.
    """

    place: Place
    inputs: dict
    labels: dict
    split: str | None = None
    group: str | None = None
    places: dict | None = None

    def place_of(self, task: str, index: int | None = None) -> Place:
        """Returns where the label of a task stands.

        Args:
            task: String.
            index: Integer, which word of a sentence is meant.

        Returns:
            `Place`.
        """
        place = (self.places or {}).get(task, self.place)
        if isinstance(place, list):
            return Place(self.place.file, place[index or 0])
        return place
