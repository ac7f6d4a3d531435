"""Rows of tables: read, given to a model, and its outputs printed."""

import csv
import math

from mtl_keras.messages import did_you_mean, listed
from zoo.commands import raw_inputs

# The names of the preprocessors that read rows.
PREPROCESSORS = ("ColumnPreprocessor",)


def predict(ask, tasks: dict, specs: dict, names: list[str]) -> None:
    """Prints a line for each row of the tables that are named.

    Args:
        ask: Function of a dict of column to list that returns a dict of
            arrays, the model's outputs and what is decoded of them.
        tasks: Dict of name to `Task`.
        specs: Dict of column to `tf.TensorSpec`.
        names: List of strings, CSV files with a header, or JSON files with a
            list for each column.

    Raises:
        ValueError: If no file is named, or one is no table of these columns.
    """
    if not names:
        raise ValueError(
            "Expected CSV or JSON files with the columns "
            f"{listed(specs)}. Received: none"
        )
    # All are read before the first is printed.
    tables = {name: read(name, specs) for name in names}
    for name, columns in tables.items():
        outputs = ask(columns)
        for index in range(len(next(iter(columns.values())))):
            row = {key: value[index] for key, value in outputs.items()}
            print(f"{name}:{index + 1}  {describe(row, tasks)}")


def ask(model):
    """Makes the function from columns to a model's outputs.

    Args:
        model: `MultiTaskModel` of the zoo that takes rows.

    Returns:
        Function of a dict of column to list that returns a dict of arrays.
    """
    import numpy as np

    def outputs_of(columns):
        inputs = raw_inputs.prepare(model.preprocessor, columns)
        outputs = dict(model.predict(inputs, verbose=0))
        outputs |= model.postprocessor(outputs, {})
        return {key: np.asarray(value) for key, value in outputs.items()}

    return outputs_of


def read(name: str, specs: dict) -> dict:
    """Reads a table.

    Args:
        name: String, a `.csv` file, in which other columns may stand too, or
            a `.json` file.
        specs: Dict of column to `tf.TensorSpec`.

    Returns:
        Dict of column to list; an empty cell of a number is NaN.

    Raises:
        ValueError: If a column is missing or a number cannot be read.
    """
    if not name.lower().endswith(".csv"):
        columns = raw_inputs.read(specs, PREPROCESSORS[0], [name])
        return {
            column: [
                _number_of(v) if _is_number(specs[column]) else v
                for v in values
            ]
            for column, values in columns.items()
        }
    try:
        lines = raw_inputs.read_bytes(name).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"Expected a CSV file in UTF-8. Received: {name!r}: {error}"
        ) from error
    if not any(line.strip() for line in lines):
        raise ValueError(
            f"Expected a CSV file with the columns {listed(specs)}. Received: "
            f"an empty file, {name!r}"
        )
    reader = csv.DictReader(lines, skipinitialspace=True)
    header = reader.fieldnames or []
    for column in specs:
        if column not in header:
            raise ValueError(
                f"Expected the columns {listed(specs)}. Received: a table "
                f"without the column {column!r}, {name!r}."
                f"{did_you_mean(column, header)}"
            )
    columns = {column: [] for column in specs}
    for row in reader:
        for column, spec in specs.items():
            cell = (row[column] or "").strip()
            if _is_number(spec):
                cell = _number(cell, column, name, reader.line_num)
            columns[column].append(cell)
    if not columns[next(iter(columns))]:
        raise ValueError(
            f"Expected rows below the header. Received: {name!r}, without any"
        )
    return columns


def _is_number(spec) -> bool:
    return spec.dtype.is_floating or spec.dtype.is_integer


def _number_of(value):
    # JSON has no NaN: a missing number is null.
    return math.nan if value is None else value


def _number(cell, column, name, line):
    try:
        return float(cell) if cell else math.nan
    except ValueError as error:
        raise ValueError(
            f"Expected a number in line {line} of {name!r}, column {column!r}. "
            f"Received: {cell!r}"
        ) from error


def describe(outputs: dict, tasks: dict) -> str:
    """Writes a model's outputs for one row.

    Args:
        outputs: Dict of arrays without a batch axis.
        tasks: Dict of name to `Task`.

    Returns:
        String such as `income no 0.12, region INLAND 0.97, price 1.84`.
    """
    parts = []
    for name, task in tasks.items():
        values = outputs.get(f"{name}_probability", outputs[name])
        if task.kind == "classification":
            label = outputs[f"{name}_name"].decode()
            parts.append(f"{name} {label} {outputs[f'{name}_score']:.2f}")
        elif task.kind == "presence" and not task.is_group:
            answer = "yes" if outputs[f"{name}_present"] else "no"
            parts.append(f"{name} {answer} {float(values[0]):.2f}")
        elif task.is_group:
            of_members = zip(task.members, values, strict=True)
            parts += [f"{member} {float(v):.2f}" for member, v in of_members]
        else:
            numbers = " ".join(f"{float(v):.4g}" for v in values.ravel())
            parts.append(f"{name} {numbers}")
    return ", ".join(parts)
