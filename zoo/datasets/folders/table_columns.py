"""Which input columns of a table are numbers, and which are categories."""

from zoo.datasets.folders.records import Damage, Example, Problem
from zoo.datasets.folders.values import number


class TableColumns:
    """Counts numbers and other texts in each input column."""

    def __init__(self):
        # Column to [numbers, texts, place of the first text, that text].
        self._seen = {}
        self._doubtful = []

    def see(self, example: Example) -> None:
        """Counts the cells of an example of a table."""
        for name, value in example.inputs.items():
            seen = self._seen.setdefault(name, [0, 0, None, None])
            if value is None:
                continue
            if _is_number(value):
                seen[0] += 1
            else:
                seen[1] += 1
                if seen[2] is None:
                    seen[2:] = [example.place, value]

    def types(self) -> dict[str, str]:
        """Returns `"number"` or `"category"` for each column.

        A column is one of numbers if most of its cells are; an empty one is.
        """
        return {
            name: "number" if numbers >= texts else "category"
            for name, (numbers, texts, *_) in self._seen.items()
        }

    def problems(self) -> list[Problem]:
        """Returns a problem for each column of numbers with another cell."""
        problems = []
        for name, (numbers, texts, place, value) in self._seen.items():
            if texts and numbers >= texts:
                self._doubtful.append(name)
                problems.append(
                    Problem(
                        place,
                        f"Expected a number in the column {name!r}, as in "
                        f"most rows. Received: {value[:40]!r}",
                    )
                )
        return problems

    def is_wrong(self, example: Example) -> bool:
        """Tells whether a column of numbers has another cell here."""
        return any(
            example.inputs[name] is not None
            and not _is_number(example.inputs[name])
            for name in self._doubtful
        )


def _is_number(value):
    try:
        number(value)
    except Damage:
        return False
    return True
