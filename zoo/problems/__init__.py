"""Problems that show what an architecture of sharing is for, one a file.

A module has `run(seed)`, which returns a dict of row to dict of column to
number. The first line of its docstring is the title of its section on
`docs/results/sharing.md`, the rest the text. `DECIMALS` says how many digits
its values have, 3 without it.
"""

import importlib
import inspect
import pathlib

from mtl_keras.messages import unknown

_OTHERS = ("__init__", "models")


def list_problems() -> list[str]:
    """Lists the problems' names, sorted."""
    files = pathlib.Path(__file__).parent.glob("*.py")
    return sorted(path.stem for path in files if path.stem not in _OTHERS)


def get(name: str):
    """Imports a problem.

    Args:
        name: String, one of `list_problems()`.

    Returns:
        Module.

    Raises:
        ValueError: If there is no such problem.
    """
    if name not in list_problems():
        raise ValueError(unknown("problem", name, list_problems()))
    return importlib.import_module(f"{__name__}.{name}")


def section(name: str, results: list[dict]) -> str:
    """Writes a problem's section of the page.

    Args:
        name: String, one of `list_problems()`.
        results: List of what `run` returned, one a seed.

    Returns:
        String, Markdown: title, text, and a table of means and standard
        deviations over the seeds.
    """
    title, _, text = inspect.getdoc(get(name)).partition("\n\n")
    decimals = getattr(get(name), "DECIMALS", 3)
    rows = list(results[0])
    columns = list(dict.fromkeys(c for row in results[0].values() for c in row))
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    for row in rows:
        cells = [
            _cell([result[row].get(column) for result in results], decimals)
            for column in columns
        ]
        lines.append([row, *cells])
    table = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    command = f"    python -m tools.benchmark sharing --problems={name}\n"
    return f"## {title.rstrip('.')}\n\n{text}\n\n{table}\n{command}"


def _cell(values, decimals) -> str:
    import numpy as np

    if values[0] is None:
        return "-"
    mean = float(np.mean(values))
    if all(float(value).is_integer() for value in values):
        return f"{mean:,.0f}" if len(set(values)) == 1 else f"{mean:.1f}"
    spread = ""
    if len(values) > 1:
        spread = f" ± {np.std(values, ddof=1):.{decimals}f}"
    return f"{mean:.{decimals}f}{spread}"
