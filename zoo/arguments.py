"""Checks of the arguments that several entries of the zoo take."""

from collections.abc import Iterable, Sequence

from mtl_keras.messages import listed, unknown


def task_names(
    names: Sequence[str] | None, known: Iterable[str]
) -> tuple[str, ...]:
    """Checks which questions are wanted.

    Args:
        names: Sequence of strings, or `None` for all.
        known: Strings, the names of the entry's tasks.

    Returns:
        Tuple of strings in the order of `names`.

    Raises:
        ValueError: If a name is unknown or there is none.
    """
    known = tuple(known)
    names = known if names is None else tuple(names)
    if not names:
        raise ValueError(
            f"`tasks` must name at least one of {listed(known)}. "
            f"Received: tasks={names!r}"
        )
    for name in names:
        if name not in known:
            raise ValueError(unknown("task", name, known, names))
    return names


def check_dropout(dropout: float) -> None:
    """Checks a share of features that is dropped in training.

    Args:
        dropout: Float.

    Raises:
        ValueError: If it is no number in [0, 1).
    """
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ValueError(
            f"`dropout` must be in [0, 1). Received: dropout={dropout!r}"
        )
