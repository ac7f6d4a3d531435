"""What the README says is true: its code runs, its files and figures exist."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

import zoo

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PROSE = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
SHELL = "".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))


def environment(data_dir):
    return {
        **os.environ,
        "TFDS_DATA_DIR": str(data_dir),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(ROOT),
    }


def test_there_is_code_to_run():
    assert len(PYTHON) >= 2
    assert "./tools/quickstart" in SHELL
    assert "./tools/test" in SHELL


@pytest.mark.parametrize("index", range(len(PYTHON)))
def test_code_block_runs(index, data_dir, tmp_path):
    result = subprocess.run(
        [sys.executable, "-W", "error:::mtl_keras", "-c", PYTHON[index]],
        cwd=tmp_path,
        env=environment(data_dir),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr


TOOLS = re.findall(r"^(?:\.venv/bin/)?python -m (tools\.\w+)(.*)$", SHELL, re.M)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [tool for tool in TOOLS if tool[0] not in ("tools.train", "tools.tune")],
)
def test_command_runs(module, arguments, data_dir):
    arguments = shlex.split(arguments, comments=True)
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(data_dir),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)#]+)\)", PROSE))
def test_linked_file_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", zoo.list_models())
def test_table_shows_the_figures_of_the_card(name):
    row = next(
        line for line in README.splitlines() if line.startswith(f"| `{name}`")
    )
    card = json.loads((ROOT / "zoo" / "cards" / f"{name}.json").read_text())
    assert f"{card['num_parameters']:,}" in row
