"""Makes our classes known to Keras before they are imported.

Keras reads a saved object's class from its registry alone, and a class enters
it when its module is imported. A lazy `import mtl_keras` imports no such
module, so `keras.models.load_model` would not find `MultiTaskModel`. Stand-ins
take the classes' places until they are needed.
"""

import importlib
import importlib.abc
import importlib.util
import pathlib
import re
import sys

_REGISTRATION = re.compile(
    r'^@keras\.saving\.register_keras_serializable\(\s*package="(\w+)"\s*\)\n'
    r"(class|def) (\w+)",
    re.MULTILINE,
)


class Deferred:
    """Stands in Keras's registry for a class that is imported when needed.

    Args:
        module: String, the full name of the class's module.
        name: String, the class's name.
    """

    def __init__(self, module: str, name: str):
        self._module, self._name = module, name

    def from_config(self, config: dict):
        """Makes an instance of the class, which replaces this stand-in."""
        return self._imported().from_config(config)

    def __call__(self, *args, **kwargs):
        """Calls the function, or makes an instance of the class."""
        return self._imported()(*args, **kwargs)

    def _imported(self):
        return getattr(importlib.import_module(self._module), self._name)


def registered(package: str) -> dict[str, Deferred]:
    """Finds what a package's source registers with Keras.

    Args:
        package: String, the name of an imported package.

    Returns:
        Dict, the registered name to its `Deferred`.
    """
    root = pathlib.Path(sys.modules[package].__file__).parent
    found = {}
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root.parent).with_suffix("")
        module = ".".join(place.parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        for key, _, name in _REGISTRATION.findall(text):
            found[f"{key}>{name}"] = Deferred(module, name)
    return found


def register(package: str) -> None:
    """Registers a package's classes now, or once Keras is imported.

    Args:
        package: String, the name of an imported package.
    """
    if hasattr(sys.modules.get("keras"), "saving"):
        _fill(package)
    else:
        sys.meta_path.insert(0, _AfterKeras(package))


def _fill(package: str) -> None:
    objects = sys.modules["keras"].saving.get_custom_objects()
    for key, stand_in in registered(package).items():
        # A module that was imported already has registered the class itself.
        objects.setdefault(key, stand_in)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Registers a package's classes at the end of `import keras`."""

    def __init__(self, package):
        self._package = package

    def find_spec(self, fullname, path=None, target=None):
        """Finds Keras as Python does, and adds a step to its loading."""
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module):
                execute(module)
                _fill(self._package)

            spec.loader.exec_module = execute_and_register
        return spec
