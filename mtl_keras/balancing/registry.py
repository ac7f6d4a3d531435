"""Finds the methods of balancing by their files, and what they take.

A method is a file of this folder that registers one class with Keras, so that
models with it can be saved and loaded. Files that register none are what the
methods share. The name of a method is that of its file; the files are read,
not imported, to list the methods.
"""

import functools
import importlib
import inspect
import pathlib
import re

_FOLDER = pathlib.Path(__file__).parent
_REGISTERED = re.compile(
    r"^@keras\.saving\.register_keras_serializable\(.*\)\nclass (\w+)\(",
    re.MULTILINE,
)


@functools.cache
def class_names() -> dict[str, str]:
    """Lists the methods; imports none of them.

    Returns:
        Dict, a method's name to its class's name, sorted.

    Raises:
        ImportError: If a file registers several classes.
    """
    names = {}
    for path in sorted(_FOLDER.glob("*.py")):
        classes = _REGISTERED.findall(path.read_text(encoding="utf-8"))
        if len(classes) > 1:
            raise ImportError(
                "A method's file registers one class with Keras. Received: "
                f"{path.name} with {', '.join(classes)}. Give each a file."
            )
        if classes:
            names[path.stem] = classes[0]
    return names


def method(name: str) -> type:
    """Imports a method's class.

    Args:
        name: String, a name of `balancing.list_balancers()`.

    Returns:
        Class, a `Balancer`.
    """
    module = importlib.import_module(f"{__package__}.{name}")
    return getattr(module, class_names()[name])


def hyperparameters(cls: type) -> dict:
    """Lists what a method's constructor takes.

    Args:
        cls: Class of a balancer.

    Returns:
        Dict, name to default: its own first, then those that it passes on.
    """
    defaults = {}
    for ancestor in cls.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        parameters = list(inspect.signature(ancestor).parameters.values())
        passes_on = [p for p in parameters if p.kind is p.VAR_KEYWORD]
        for parameter in parameters:
            if parameter not in passes_on:
                defaults.setdefault(parameter.name, parameter.default)
        if not passes_on:
            break
    if not cls.takes_preference:
        defaults.pop("preference", None)
    return defaults
