"""The suite fails where the tests of one entry cost too much."""

import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from tests import entry_budget

ROOT = Path(__file__).parents[2]
_TESTS = """
import time
import pytest
from tests.entry_budget import (
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
)
"""
_BURN = """
import time
import pytest

@pytest.mark.parametrize("name", [{name!r}, "no_entry"])
def test_burn(name):
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
"""


def test_seconds_of_an_entry_are_summed_over_its_tests():
    budget = entry_budget.Budget()
    for seconds in (4, 5):
        budget.add([("entry_cpu_seconds", ("a", seconds)), ("other", 1)])
    budget.add([("entry_cpu_seconds", ("b", 3))])
    assert budget.seconds == {"a": 9, "b": 3}
    # Half as much again is tolerated.
    assert budget.exceeded(6) == {}
    assert budget.exceeded(5.9) == {"a": 9}


@pytest.mark.sampled
@pytest.mark.parametrize(("limit", "status"), [(0.01, 1), (30, 0)])
def test_session_fails_above_the_budget(tmp_path, limit, status):
    name = zoo.list_models()[0]
    hooks = f"{_TESTS}\nfrom tests import entry_budget\n"
    hooks += f"entry_budget.DEFAULT = entry_budget.SLOW = {limit}\n"
    (tmp_path / "conftest.py").write_text(hooks)
    (tmp_path / "test_burn.py").write_text(_BURN.format(name=name))
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    argv += ["-p", "no:xdist", f"--rootdir={tmp_path}", "-c", "/dev/null"]
    done = subprocess.run(
        [*argv, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == status
    assert (f"entry {name!r} took" in done.stdout) == bool(status)
    assert "no_entry" not in done.stdout
