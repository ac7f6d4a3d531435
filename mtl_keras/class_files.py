"""Packages whose files each register one class: a method, an architecture.

The name of a class is that of its file. The files are read, not imported, to
list them, so that listing loads no backend.
"""

import dataclasses
import functools
import importlib
import inspect
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Mapping

from mtl_keras.messages import did_you_mean, unknown


@dataclasses.dataclass(frozen=True)
class ClassFiles:
    """The classes of a package.

    Args:
        package: String, the package's name.
        folder: Path of its files.
        pattern: Compiled expression that finds the name of a class that a file
            registers.
        rule: String, what a file registers, for the error of two.
        what: String, the kind of name: `"balancer"`.
        thing: String, the same with an article: `"a balancer"`.
        argument: String, the argument that takes one: `"loss_weights"`.
        hyperparameters: Function of a class that returns what its constructor
            takes, a dict of name to default.
        hints: Dict, a hyperparameter to a sentence that is added to the error
            where a class does not take it.
    """

    package: str
    folder: pathlib.Path
    pattern: re.Pattern
    rule: str
    what: str
    thing: str
    argument: str
    hyperparameters: Callable[[type], Mapping]
    hints: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def class_names(self) -> dict[str, str]:
        """The classes' names by their files', sorted; imports none.

        Raises:
            ImportError: If a file registers several classes.
        """
        names = {}
        for path in sorted(self.folder.glob("*.py")):
            classes = self.pattern.findall(path.read_text(encoding="utf-8"))
            if len(classes) > 1:
                raise ImportError(
                    f"{self.rule} Received: {path.name} with "
                    f"{', '.join(classes)}. Give each a file."
                )
            if classes:
                names[path.stem] = classes[0]
        return names

    def load(self, name: str) -> type:
        """Imports a class.

        Args:
            name: String, a key of `class_names`.

        Returns:
            Class.
        """
        module = importlib.import_module(f"{self.package}.{name}")
        return getattr(module, self.class_names[name])

    def made(self, name: str, arguments: dict):
        """Makes an object by its name.

        Args:
            name: String.
            arguments: Dict, the hyperparameters.

        Returns:
            Instance of a class of the package.

        Raises:
            ValueError: If the name or a hyperparameter is unknown.
        """
        if name not in self.class_names:
            raise ValueError(unknown(self.what, name, self.class_names))
        cls = self.load(name)
        options = self.hyperparameters(cls)
        for key in arguments:
            if key not in options:
                error = unknown(
                    f"hyperparameter of {name!r}", key, options, arguments
                )
                raise ValueError(error + self.hints.get(key, ""))
        return cls(**arguments)

    def check_unnamed(self, identifier, arguments: dict, base: type) -> None:
        """Refuses what nothing can be made of without a name.

        Args:
            identifier: What was received in the place of a name.
            arguments: Dict, hyperparameters that came with it.
            base: Class, that of all objects of this kind.

        Raises:
            TypeError: If there are hyperparameters, or `identifier` is a class
                where an instance belongs.
        """
        if arguments:
            raise TypeError(
                f"Hyperparameters go with {self.thing}'s name. Received: "
                f"identifier={identifier!r}, {arguments}"
            )
        if inspect.isclass(identifier) and issubclass(identifier, base):
            raise TypeError(
                f"`{self.argument}` must be {self.thing}, not its class. Did "
                f"you mean {identifier.__name__}()? Received: {identifier!r}"
            )


def lazy_attributes(
    package: str, modules: Mapping[str, str], public: Iterable[str]
) -> tuple:
    """Makes the `__getattr__` and `__dir__` of a package that imports late.

    Args:
        package: String, its name.
        modules: Dict, the name of a class to that of its module.
        public: Strings, all public names, which the error suggests.

    Returns:
        Tuple of two functions.
    """

    def get_attribute(name):
        if name not in modules:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}."
                f"{did_you_mean(name, public)}"
            )
        module = importlib.import_module(f"{package}.{modules[name]}")
        return getattr(module, name)

    def list_attributes():
        return sorted({*vars(sys.modules[package]), *modules})

    return get_attribute, list_attributes
