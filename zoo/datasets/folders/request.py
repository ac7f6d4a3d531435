"""What a reader is asked for."""

import dataclasses

from mtl_keras.messages import listed
from zoo.datasets.folders.listing import Listing

INPUTS = ("image", "text", "table", "audio", "clip")
KINDS = (
    "box",
    "classification",
    "count",
    "depth",
    "detection",
    "mask",
    "normals",
    "presence",
    "regression",
    "survival",
    "tagging",
)


@dataclasses.dataclass(frozen=True)
class Request:
    """A folder, and the tasks whose labels are wanted.

    Args:
        listing: `Listing` of the folder.
        kinds: Dict of task name to kind, one of `KINDS`.
        inputs: String, one of `INPUTS`.
        columns: Dict of task or input to the column that holds it, where the
            names differ. A survival task names a pair of columns, a box four.
            Of a table, `"inputs"` is a sequence of the input columns.
        separators: String, characters at which words are split beside white
            space. Defaults to none.
    """

    listing: Listing
    kinds: dict
    inputs: str
    columns: dict = dataclasses.field(default_factory=dict)
    separators: str = ""

    def of_kind(self, *kinds: str) -> list[str]:
        """Returns the tasks of some kinds, in the order of `kinds`."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def only(self, kind: str, layout: str) -> str | None:
        """Returns the one task of a kind that a layout has labels for.

        Args:
            kind: String, one of `KINDS`.
            layout: String, for the error.

        Returns:
            String, or `None` where there is no such task.

        Raises:
            ValueError: If there are several.
        """
        names = self.of_kind(kind)
        if len(names) > 1:
            raise ValueError(
                f"The layout {layout!r} has labels for one {kind} task. "
                f"Received: the tasks {listed(names)}. Use a CSV with a "
                "column for each task."
            )
        return names[0] if names else None

    def without_labels(self) -> dict:
        """Returns labels of which all are missing."""
        return dict.fromkeys(self.kinds)
