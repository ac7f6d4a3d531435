"""Fixtures that several folders of tests share."""

import gc
import sys

import pytest

from tests.entry_budget import (  # noqa: F401
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
)


@pytest.fixture(autouse=True, scope="module")
def _release_traced_steps():
    """Frees the steps that a file's tests have traced.

    TensorFlow keeps the gradient of each custom gradient that was ever traced,
    and with it the whole step: 15 MB a training, 9 GB in a run of all tests.
    """
    yield
    if "tensorflow" not in sys.modules:
        return
    from tensorflow.python.framework import ops

    registry = ops.gradient_registry._registry
    for name in [n for n in registry if n.startswith("CustomGradient-")]:
        del registry[name]
    gc.collect()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A folder for data sets that are prepared during the tests."""
    return tmp_path_factory.mktemp("datasets")


@pytest.fixture
def tiny(monkeypatch):
    """The name of a small model, in the zoo for the time of one test."""
    from tests.zoo import tiny_entry
    from zoo import registry

    monkeypatch.setattr(registry, "_registered", {})
    registry.register(tiny_entry.NAME, tiny_entry, tiny_entry.card())
    return tiny_entry.NAME
