"""What docs/transfer.md says is true: its code runs, in order."""

import contextlib
import io
import pathlib
import re

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "transfer.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed = {}, io.StringIO()
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    with contextlib.redirect_stdout(printed):
        for block in blocks:
            exec(compile(block, "docs/transfer.md", "exec"), names)
    shown = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    text = re.sub(
        r"multi_task_model_\d+", "multi_task_model", printed.getvalue()
    )
    for part in shown:
        assert part in text
    assert text.count("True\n") == 2 and "False" not in text
    assert names["model"].count_params() == 1208
    assert (tmp_path / "wine.keras").is_file()
    assert (tmp_path / "cancer" / "1" / "saved_model.pb").is_file()
    assert np.isfinite(names["target"].predict(names["few"])["ripe"]).all()
