"""The code of docs/medical_example.md runs, on a few made-up patients."""

import pathlib
import re

import numpy as np
import pytest

from zoo.datasets.support2_joint import builder

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "medical_example.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def _write(folder, num):
    rng = np.random.default_rng(0)
    rows = [",".join(builder.COLUMNS)]
    for number in range(num):
        cells = {name: f"{rng.normal(50, 9):.1f}" for name in builder.NUMBERS}
        cells |= {name: "yes" for name in builder.CATEGORIES}
        cells |= {"sno": str(number), "d.time": "9", "death": "1"}
        cells |= {"hospdead": str(rng.integers(2)), "avtisst": ""}
        cells["dzclass"] = str(rng.choice(builder.DISEASES))
        if number % 4:
            cells["avtisst"] = str(rng.integers(5, 45))
        rows.append(",".join(cells.get(name, "") for name in builder.COLUMNS))
    path = folder / "support2" / "support2.csv"
    path.parent.mkdir()
    path.write_text("\n".join(rows) + "\n")


@pytest.mark.slow
def test_code_of_the_page_runs(tmp_path, monkeypatch, capsys):
    _write(tmp_path, 120)
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in BLOCKS:
        exec(block, namespace)
    printed = capsys.readouterr().out.splitlines()
    tasks = ["failure", "death", "intensive"]
    assert [line.split(":")[0] for line in printed[:3]] == tasks
    assert sorted(line.split(":")[0] for line in printed[3:]) == sorted(tasks)
    assert all(0 <= float(line.split()[-1]) <= 1 for line in printed)
    # The treatment of a quarter was not recorded, and counts as missing.
    intensive = namespace["labels"](namespace["patients"]["train"])["intensive"]
    assert 0.1 < np.isnan(intensive).mean() < 0.4
    assert not {"avtisst", "hospdead", "dzclass"} & {*namespace["COLUMNS"]}


def test_the_page_says_that_it_is_no_advice():
    assert "no medical advice" in PAGE.split("```")[0]
