"""Makes our classes known to Keras before they are imported.

Keras looks up the class of a saved object in its registry, and a class enters
the registry when its module is imported. `import mtl_keras` is lazy and
imports no such module, so `keras.models.load_model` would not find
`MultiTaskModel`. Stand-ins are registered until the classes are imported.
"""

import importlib
import importlib.abc
import pathlib
import re
import sys
import types

_REGISTRATION = re.compile(
    r'^@keras\.saving\.register_keras_serializable\(\s*package="(\w+)"\s*\)\n'
    r"class (\w+)",
    re.MULTILINE,
)


class Deferred(type):
    """The type of stand-ins, each for one class that is imported when used.

    A stand-in is a class, equal to the one that it stands for: what it creates
    are instances of that class, and a subclass of it is one of that class.

    Args:
        name: String, the class's name.
        bases: Tuple of base classes; empty for a stand-in.
        namespace: Dict, with `__module__`, the full name of its module.
        **kwargs: Keyword arguments of a subclass's `class` statement.
    """

    def __new__(cls, name, bases, namespace, **kwargs):
        """Creates a stand-in, or a subclass of the class behind one."""
        if not bases:
            return super().__new__(cls, name, bases, namespace)
        real = [
            base.imported() if type(base) is cls else base for base in bases
        ]
        return types.new_class(
            name, tuple(real), kwargs, lambda body: body.update(namespace)
        )

    def imported(cls) -> type:
        """Imports the class, which replaces the stand-in in the registry."""
        return getattr(importlib.import_module(cls.__module__), cls.__name__)

    def __call__(cls, *args, **kwargs):
        """Creates an instance of the class."""
        return cls.imported()(*args, **kwargs)

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            # Tools that inspect classes ask for these; none needs an import.
            raise AttributeError(name)
        return getattr(cls.imported(), name)

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, cls.imported())

    def __subclasscheck__(cls, subclass) -> bool:
        return issubclass(subclass, cls.imported())

    def __eq__(cls, other) -> bool:
        return other is cls or other is cls.imported()

    def __hash__(cls) -> int:
        return hash(cls.imported())


def registered(package: str) -> dict[str, Deferred]:
    """Lists what a package's source registers with Keras.

    Args:
        package: String, the name of an imported package.

    Returns:
        Dict, registered name to stand-in.
    """
    root = pathlib.Path(sys.modules[package].__file__).parent
    stand_ins = {}
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root.parent).with_suffix("")
        module = ".".join(place.parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        for key, name in _REGISTRATION.findall(text):
            stand_in = Deferred(name, (), {"__module__": module})
            stand_ins[f"{key}>{name}"] = stand_in
    return stand_ins


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
        # A class that was imported or overridden is registered already.
        objects.setdefault(key, stand_in)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Registers a package's classes at the end of `import keras`."""

    def __init__(self, package):
        self._package = package

    def find_spec(self, fullname, path=None, target=None):
        """Finds Keras as the other finders do; its loader then registers.

        The finder stays until Keras has been imported: Keras may be looked up
        without an import, and an import may fail.
        """
        if fullname != "keras":
            return None
        others = sys.meta_path[sys.meta_path.index(self) + 1 :]
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module):
                execute(module)
                _fill(self._package)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)

            spec.loader.exec_module = execute_and_register
        return spec
