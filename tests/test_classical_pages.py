"""The code of docs/relations.md and docs/classical.md runs, in order."""

import pathlib
import re

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]


def _run(page, monkeypatch, tmp_path, skip=()):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if not any(word in block for word in skip):
            exec(compile(block, f"docs/{page}", "exec"), names)
    return names


@pytest.mark.slow
def test_code_of_the_page_on_relations_runs(tmp_path, monkeypatch, capsys):
    names = _run("relations.md", monkeypatch, tmp_path)
    assert names["grouping"].groups == (("a", "b"), ("c", "d"), ("e", "f"))
    assert (tmp_path / "cosines.png").is_file()
    assert names["logged"].names == tuple("abcdef")
    assert names["labels"].between("a", "b") > 0.9
    assert "| gradients | a | b |" in capsys.readouterr().out


@pytest.mark.slow
def test_code_of_the_page_on_classical_methods_runs(tmp_path, monkeypatch):
    try:
        import skimage  # noqa: F401
    except ImportError:
        skip = ("classical.hog",)
    else:
        skip = ()
    names = _run("classical.md", monkeypatch, tmp_path, skip)
    scores = names["model"].predict({"x": names["x"]}, verbose=0)
    right = (scores["sold"][:, 0] > 0) == names["y"]["sold"]
    assert np.mean(right) > 0.9
    # The kernel sees the square that no linear head could.
    right = scores["kind"].argmax(-1) == names["y"]["kind"]
    assert np.mean(right) > 0.9
    assert names["near"].coefficients["north"].shape == (10,)
    if not skip:
        assert names["histograms"].shape == (6, 324)
