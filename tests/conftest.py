"""Fixtures that several folders of tests share."""

import gc
import importlib.util
import os
import shutil
import sys
import tempfile

import pytest

from tests import backend_process
from tests.entry_budget import (  # noqa: F401
    entry_of,
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

_CACHE = "JAX_COMPILATION_CACHE_DIR"


def pytest_configure(config):
    """Makes XLA compile soon, and processes that run JAX share the result."""
    backend_process.compile_quickly(os.environ)
    if hasattr(config, "workerinput") or _CACHE in os.environ:
        return
    # Most steps on JAX are compiled for one run, and many are the same.
    os.environ[_CACHE] = config.jax_cache = tempfile.mkdtemp(prefix="jax_")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leaves all but the first set of parameters of a sampled test to --slow.

    Before the items are selected by `-m`, which reads the marks set here. Long
    tests come first: one that starts last keeps a single worker busy. Skips an
    entry's tests where its metric's package is absent.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    seen = set()
    has_coco = importlib.util.find_spec("pycocotools") is not None
    for item in items:
        if not has_coco and entry_of(item) == "detect_count":
            item.add_marker(pytest.mark.skip(reason="needs the extra coco"))
        if item.get_closest_marker("sampled"):
            test = item.nodeid.partition("[")[0]
            if test in seen and not item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.slow(on_jax=True))
            seen.add(test)


def pytest_collection_finish():
    """Spares the garbage collector the modules and tests, which stay.

    It went through millions of their objects after each file: a fifth of the
    suite's time.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config):
    """Removes what XLA has compiled."""
    if hasattr(config, "jax_cache"):
        shutil.rmtree(config.jax_cache, ignore_errors=True)
        del os.environ[_CACHE]


@pytest.fixture(autouse=True, scope="module")
def _release_traced_steps():
    """Frees the steps that a file's tests have traced: 9 GB in a run of all."""
    yield
    if "keras" not in sys.modules:
        return
    from mtl_keras import compat

    compat.release_traced_steps()


@pytest.fixture(scope="session")
def data_dir(request, tmp_path_factory):
    """A folder for data sets that are prepared during the tests.

    All workers have the same: a data set is prepared once, and others wait.
    """
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent
    folder = folder / "datasets"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def tiny(monkeypatch):
    """The name of a small model, in the zoo for the time of one test."""
    from tests.zoo import tiny_entry
    from zoo import registry

    monkeypatch.setattr(registry, "_registered", {})
    registry.register(tiny_entry.NAME, tiny_entry, tiny_entry.card())
    return tiny_entry.NAME
