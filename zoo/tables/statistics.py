"""What models of tables know of their columns: fitted once, kept as JSON."""

import functools
import importlib.resources
import json
from collections.abc import Iterable

from mtl_keras import data as mtl_data
from mtl_keras import files
from zoo.datasets.folders.table_columns import TableColumns
from zoo.datasets.folders.values import number

_FILE = "columns.json"
_DIGITS = 6


def read(data: str) -> dict:
    """Reads the statistics that lie beside a data set's builder.

    Args:
        data: String, a data set of `zoo.datasets`.

    Returns:
        Dict, a config of `mtl_keras.data.ColumnPreprocessor`.
    """
    return json.loads(_text(data))


@functools.cache
def _text(data: str) -> str:
    package = importlib.resources.files(f"zoo.datasets.{data}")
    return package.joinpath(_FILE).read_text(encoding="utf-8")


def write(data: str, table, **options) -> None:
    """Measures a training split and writes its statistics.

    Args:
        data: String, a data set of `zoo.datasets`.
        table: Dict of column to values, the training split's.
        **options: Arguments of `ColumnPreprocessor.adapt`.
    """
    package = importlib.resources.files(f"zoo.datasets.{data}")
    text = json.dumps(measure(table, **options), separators=(",", ":"))
    files.write_text(package.joinpath(_FILE), text + "\n")


def measure(table, **options) -> dict:
    """Measures the columns of a table.

    Args:
        table: Dict of column to values.
        **options: Arguments of `ColumnPreprocessor.adapt`.

    Returns:
        Dict, a config of `mtl_keras.data.ColumnPreprocessor`, its numbers
        rounded to six digits.
    """
    preprocessor = mtl_data.ColumnPreprocessor.adapt(table, **options)
    config = preprocessor.get_config()
    for name in ("numbers", "quantiles", "dates"):
        for column, values in config.get(name, {}).items():
            rounded = [float(f"{value:.{_DIGITS}g}") for value in values]
            if name == "quantiles":
                # Edges that differ in the seventh digit only are one.
                rounded = sorted(set(rounded))
            config[name][column] = rounded
    return config


def of_examples(examples: Iterable, **options) -> dict:
    """Measures the training examples of a folder.

    Args:
        examples: Iterable of `zoo.datasets.folders.Example` of a table.
        **options: Arguments of `ColumnPreprocessor.adapt`.

    Returns:
        Dict, as of `measure`.
    """
    columns, types = {}, TableColumns()
    for example in examples:
        types.see(example)
        for name, value in example.inputs.items():
            columns.setdefault(name, []).append(value)
    table = {}
    for name, kind in types.types().items():
        values = columns[name]
        if kind == "number":
            values = [float("nan") if v is None else number(v) for v in values]
            # A column without one value says nothing.
            if all(value != value for value in values):
                continue
        table[name] = [v or "" for v in values] if kind != "number" else values
    return measure(table, **options)
