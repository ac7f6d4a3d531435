"""Writes a recipe as the Python file that `tools.train --config` takes."""

import json
from pathlib import Path

from ml_collections import ConfigDict

_INDENT = "    "


def write(config: ConfigDict, path: Path, notes: list[str]) -> None:
    """Writes a recipe.

    Args:
        config: `ConfigDict` of plain values.
        path: Path of the `.py` file.
        notes: List of strings, what its docstring says, the first in one line.
    """
    from mtl_keras import files

    text = source(config, notes)
    files.write_text(path, text)


def source(config: ConfigDict, notes: list[str]) -> str:
    """Writes the Python of a recipe.

    Args:
        config: `ConfigDict` of plain values.
        notes: List of strings.

    Returns:
        String, a module with `get_config()`.
    """
    told = "\n\n".join(notes).replace("\\", "\\\\").replace('"""', "'''")
    lines = []
    for key in config:
        value = _written(config, key, 2)
        if isinstance(config[key], ConfigDict):
            value = (
                f"ml_collections.ConfigDict(\n{_INDENT * 2}{value}\n{_INDENT})"
            )
        lines.append(f"{_INDENT}config.{key} = {value}")
    return "\n".join(
        [
            f'"""{told}',
            '"""',
            "",
            "import ml_collections",
            *(
                ["from ml_collections.config_dict import placeholder"]
                if any("placeholder(" in line for line in lines)
                else []
            ),
            "",
            "",
            "def get_config() -> ml_collections.ConfigDict:",
            f'{_INDENT}"""Returns the recipe."""',
            f"{_INDENT}config = ml_collections.ConfigDict()",
            *lines,
            f"{_INDENT}return config",
            "",
        ]
    )


def _written(config, key, depth) -> str:
    """Writes a value; a dict's braces stand `depth` steps from the left."""
    value = config[key]
    if isinstance(value, ConfigDict):
        inner = [
            f"{_INDENT * (depth + 1)}{json.dumps(name)}: "
            f"{_written(value, name, depth + 1)},"
            for name in value
        ]
        return "\n".join(["{", *inner, f"{_INDENT * depth}}}"])
    if isinstance(value, str):
        # As the formatter writes it.
        return json.dumps(value, ensure_ascii=False)
    if value is not None:
        return repr(value)
    # A field without a value still knows its type, for the command line.
    kind = config.get_type(key)
    return "None" if kind is type(None) else f"placeholder({kind.__name__})"
