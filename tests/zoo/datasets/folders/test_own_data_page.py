"""What docs/own_data.md shows is true: its folders are made and read."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from tests.zoo.datasets.folders import generated
from zoo.datasets import folders
from zoo.datasets.folders import readers

PAGE = Path(__file__).parents[4] / "docs" / "own_data.md"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def _examples():
    """Yields a heading, the files below it, and the code after these."""
    text = PAGE.read_text(encoding="utf-8")
    for section in re.split(r"^##+ ", text, flags=re.M)[1:]:
        blocks = _BLOCK.findall(section)
        heading = section.split("\n", 1)[0]
        for (kind, files), (_, code) in zip(blocks, blocks[1:], strict=False):
            if kind == "files":
                yield pytest.param(files, code, id=heading)


def _make(folder, files):
    """Makes the files; lines behind a bar are the content of the last."""
    path = None
    for line in files.splitlines():
        if line.startswith("| "):
            with open(path, "a", encoding="utf-8") as file:
                file.write(line[2:] + "\n")
            continue
        path = folder / line
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.name == "masks":
            generated.mask(path)
        elif path.suffix in (".gif", ".jpg", ".png"):
            generated.image(path.with_suffix(""), 0, path.suffix)
        elif path.suffix == ".npy":
            channels = () if path.parent.name in ("depth", "label") else (3,)
            np.save(path, np.full((32, 40, *channels), 0.5, "float32"))
        elif path.suffix == ".wav":
            generated.recording(path, 0)


@pytest.mark.parametrize(("files", "code"), list(_examples()))
def test_example_is_read_as_the_page_says(files, code, tmp_path, monkeypatch):
    assert 2 <= len(files.splitlines()) <= 7, "an example is short"
    _make(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    names = {"folders": folders}
    claims = 0
    for line in code.splitlines():
        statement, _, result = line.partition("  # ")
        if result:
            value = eval(statement, names)
            assert value == ast.literal_eval(result), statement
            claims += 1
        else:
            exec(statement, names)
    assert claims
    # A column that no task reads is a warning.
    assert not [p for p in names["source"].problems() if p.is_error]


def test_every_layout_is_on_the_page(tmp_path, monkeypatch):
    shown = set()
    monkeypatch.chdir(tmp_path)
    for number, parameters in enumerate(_examples()):
        files, code = parameters.values
        folder = tmp_path / str(number)
        _make(folder, files)
        monkeypatch.chdir(folder)
        names = {"folders": folders}
        for line in code.splitlines():
            if "source = " in line or "kinds = " in line:
                exec(line, names)
        shown.add((names["source"].inputs, names["source"].layout))
    # Recordings and clips in a folder for each class are as images are.
    expected = set(readers.list_layouts())
    expected -= {(inputs, "class folders") for inputs in ("audio", "clip")}
    assert shown == expected
