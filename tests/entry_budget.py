"""What each entry of the zoo may cost in the suite, counted by CPU time.

A test counts for an entry if one of its parameters is the entry's name. CPU
time of this process and of those it waited for is nearly the same on a busy
machine and on a quiet one, which wall time is not.
"""

import os
from pathlib import Path

import pytest

# Seconds of CPU for each entry: the default suite, and with --slow. A step
# compiled by XLA and an export are the largest part.
DEFAULT, SLOW = 15, 60
# The first two are exported in every format, with each of their weights, and
# stand for the zoo in tests that later entries need not repeat. The third has
# four tasks, so ten signatures of an export, and two pyramids to compile. The
# fourth has four tasks too, and a default that is another graph than that of
# its weights, so that each is exported. The fifth has 22 convolutions to
# compile, twice as many as a classifier. The last is as the fourth, with loops
# in the graph of its weights.
_TIMES_THE_LIMIT = {
    "cls_det_box": 3,
    "intent_slot": 5,
    "cls_box_seg": 3,
    "cls_ner_srl": 2,
    "seg_depth_normal": 2,
    "tag_parse": 2,
}
# Processors differ, and a busy one takes more CPU time for the same work: the
# budget is that of a quiet machine, and half as much again fails.
_TOLERANCE = 1.5
_PROPERTY = "entry_cpu_seconds"


class Budget:
    """Sums the CPU seconds of the tests of each entry."""

    def __init__(self):
        self.seconds = {}

    def add(self, properties) -> None:
        """Adds what a report carries in its `user_properties`."""
        for key, value in properties:
            if key == _PROPERTY:
                entry, seconds = value
                self.seconds[entry] = self.seconds.get(entry, 0) + seconds

    def exceeded(self, limit: float) -> dict:
        """Returns the entries above the limit, with their seconds."""
        return {
            entry: seconds
            for entry, seconds in sorted(self.seconds.items())
            if seconds > _allowed(entry, limit)
        }


def _allowed(entry, limit) -> float:
    return limit * _TIMES_THE_LIMIT.get(entry, 1) * _TOLERANCE


# Their cards, not `zoo.list_models`: tests change what that returns.
_CARDS = Path(__file__).parents[1] / "zoo" / "cards"
_ENTRIES = frozenset(path.stem for path in _CARDS.glob("*.json"))
_budget = Budget()
_mark = 0.0


def _cpu_seconds() -> float:
    times = os.times()
    return sum(times[:4])


def entry_of(item) -> str | None:
    """Returns the entry that a test is parametrized by."""
    parameters = getattr(item, "callspec", None)
    values = parameters.params.values() if parameters else ()
    # A pair such as (name, weights) counts for its name.
    firsts = [v[0] if isinstance(v, tuple) and v else v for v in values]
    names = [v for v in firsts if isinstance(v, str)]
    return next((n for n in names if n in _ENTRIES), None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    global _mark
    _mark = _cpu_seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    global _mark
    report = yield
    now = _cpu_seconds()
    entry = entry_of(item)
    if entry is not None:
        # Travels to the process that collects the reports, under xdist too.
        report.user_properties.append((_PROPERTY, (entry, now - _mark)))
    _mark = now
    return report


def pytest_runtest_logreport(report):
    _budget.add(report.user_properties)


def _limit(config) -> int:
    return DEFAULT if "not slow" in config.option.markexpr else SLOW


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    is_worker = hasattr(session.config, "workerinput")
    if not is_worker and _budget.exceeded(_limit(session.config)):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    limit = _limit(config)
    for entry, seconds in _budget.exceeded(limit).items():
        terminalreporter.write_line(
            f"The tests of the entry {entry!r} took {seconds:.0f} s of CPU. "
            f"Expected at most {_allowed(entry, limit):.0f} s: "
            "use a smaller model, or share a fixture.",
            red=True,
        )
