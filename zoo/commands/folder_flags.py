"""Flags that say how a folder of one's own data is read."""

from absl import flags


def define(values: flags.FlagValues) -> None:
    """Defines `--layout` and `--columns`."""
    flags.DEFINE_list(
        "columns",
        [],
        "Columns whose names differ, as TASK=COLUMN,TASK=COLUMN. A box has "
        "four: box=left,box=top,box=right,box=bottom.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "layout",
        None,
        "Layout of the folder, where it has several.",
        flag_values=values,
    )


def columns(values: flags.FlagValues) -> dict:
    """Reads `--columns`.

    Args:
        values: Parsed flags.

    Returns:
        Dict of task or other role to a column, or to a list of columns where
        it was named several times.

    Raises:
        ValueError: If a part has another form.
    """
    read = {}
    for pair in values.columns:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise ValueError(
                "Expected --columns=TASK=COLUMN,TASK=COLUMN. "
                f"Received: {pair!r}"
            )
        # A number is the place of a CoNLL file's column.
        column = int(column) if column.isdigit() else column
        read.setdefault(name, []).append(column)
    # Inputs of a table are a list, however many.
    return {
        name: each if len(each) > 1 or name == "inputs" else each[0]
        for name, each in read.items()
    }
