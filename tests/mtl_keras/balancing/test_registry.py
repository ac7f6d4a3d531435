"""Methods are found by their files."""

import importlib
import inspect
import os
import pathlib
import subprocess
import sys

import pytest

from mtl_keras import balancing
from mtl_keras.balancing import registry

ROOT = pathlib.Path(__file__).parents[3]
FOLDER = ROOT / "mtl_keras" / "balancing"


def methods_in(module):
    """The balancers that a module defines and that can be made."""
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and issubclass(value, balancing.Balancer)
        and not inspect.isabstract(value)
        and not value.__name__.startswith("_")
    ]


def test_every_file_with_a_method_is_listed_and_no_other():
    with_method = []
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem != "__init__":
            name = f"mtl_keras.balancing.{path.stem}"
            classes = methods_in(importlib.import_module(name))
            assert len(classes) < 2
            if classes and classes[0].when_to_use:
                assert registry.method(path.stem) is classes[0]
                with_method.append(path.stem)
    differing = set(balancing.list_balancers()) ^ set(with_method)
    assert not differing, "a method is registered, and has `when_to_use`"
    assert balancing.list_balancers() == with_method


@pytest.mark.parametrize("name", ["cagrad", "equal", "moco"])
def test_classes_are_attributes_of_the_package(name):
    cls = registry.method(name)
    assert getattr(balancing, cls.__name__) is cls
    assert cls.__name__ in dir(balancing)
    assert cls.__name__ in balancing.__all__


def test_a_misspelt_class_is_suggested():
    with pytest.raises(AttributeError, match="Did you mean 'CAGrad'"):
        _ = balancing.CaGard


def test_listing_the_names_loads_no_backend():
    code = (
        "import sys\n"
        "from mtl_keras import balancing\n"
        "assert 'cagrad' in balancing.list_balancers()\n"
        "heavy = ('keras', 'tensorflow', 'jax', 'numpy')\n"
        "sys.exit(any(name in sys.modules for name in heavy))"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=60,
    )
