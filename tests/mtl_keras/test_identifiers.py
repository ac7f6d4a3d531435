"""Losses and metrics are found by the files that define them."""

import importlib
import sys

import pytest

from mtl_keras import identifiers, losses

LOSS = """
import keras
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="{package}")
class {name}(Loss):
    pass
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "some_losses"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [n for n in sys.modules if n.startswith("some_losses")]:
        del sys.modules[name]


def by_module():
    module = importlib.import_module("some_losses")
    return identifiers.by_module("some_losses", module.__path__, losses.Loss)


def test_a_new_file_is_a_new_loss(package):
    (package / "squared.py").write_text(LOSS.format(package="a", name="Sq"))
    (package / "arithmetic.py").write_text(
        "from mtl_keras.losses import Huber\n"
        "from mtl_keras.losses.loss import Loss\n"
        "class Unregistered(Loss): pass\n"
    )
    classes = by_module()
    assert list(classes) == ["squared"]
    assert classes["squared"].__name__ == "Sq"


def test_two_losses_in_one_file_are_refused(package):
    (package / "two.py").write_text(
        LOSS.format(package="a", name="One")
        + LOSS.format(package="a", name="Two")
    )
    with pytest.raises(ValueError, match="one class. Received: 'One', 'Two'"):
        by_module()
