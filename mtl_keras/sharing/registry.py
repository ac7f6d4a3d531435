"""Finds the architectures by their files.

An architecture is a file of this folder that registers one class with Keras
derived from `Sharing`, so that models built with it can be saved and loaded.
Its name is that of the file. The files are read, not imported, to list them.
"""

import inspect
import pathlib
import re

from mtl_keras.class_files import ClassFiles


def hyperparameters(cls: type) -> dict:
    """Lists what an architecture's constructor takes.

    Args:
        cls: Class of an architecture.

    Returns:
        Dict, name to default.
    """
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(cls).parameters.values()
    }


_ARCHITECTURES = ClassFiles(
    package=__package__,
    folder=pathlib.Path(__file__).parent,
    # Layers register themselves too; their base is written `layers.Layer`,
    # with a dot, that of an architecture `Sharing` or another architecture.
    pattern=re.compile(
        r"^@keras\.saving\.register_keras_serializable\(.*\)\n"
        r"class (\w+)\(\w+\):",
        re.MULTILINE,
    ),
    rule=("An architecture's file registers one class derived from `Sharing`."),
    what="sharing",
    thing="an architecture",
    argument="sharing",
    hyperparameters=hyperparameters,
)


def class_names() -> dict[str, str]:
    """Lists the architectures; imports none of them.

    Returns:
        Dict, an architecture's name to its class's name, sorted.

    Raises:
        ImportError: If a file registers several architectures.
    """
    return _ARCHITECTURES.class_names


def architecture(name: str) -> type:
    """Imports an architecture's class.

    Args:
        name: String, a name of `sharing.list_sharings()`.

    Returns:
        Class, a `Sharing`.
    """
    return _ARCHITECTURES.load(name)


def list_sharings() -> list[str]:
    """Lists the names that `sharing="..."` takes, sorted."""
    return sorted(class_names())


def get(identifier, **hyperparameters_by_name):
    """Returns an architecture.

    Args:
        identifier: A name of `list_sharings()`; a dict with that name under
            the key `"name"` and hyperparameters, such as `{"name": "mmoe",
            "num_experts": 4}`; the config of a saved one; or a `Sharing`,
            returned as it is.
        **hyperparameters_by_name: Passed to the constructor of a named one.

    Returns:
        `Sharing` instance.

    Raises:
        ValueError: If the name or a hyperparameter is unknown or out of range.
        TypeError: If `identifier` is of another type, or hyperparameters come
            without a name.
    """
    if isinstance(identifier, str):
        return _ARCHITECTURES.made(identifier, hyperparameters_by_name)
    if isinstance(identifier, dict) and "name" in identifier:
        arguments = {**identifier, **hyperparameters_by_name}
        return _ARCHITECTURES.made(arguments.pop("name"), arguments)
    from mtl_keras.sharing.architecture import Sharing

    _ARCHITECTURES.check_unnamed(identifier, hyperparameters_by_name, Sharing)
    if isinstance(identifier, Sharing):
        return identifier
    if isinstance(identifier, dict) and "class_name" in identifier:
        import keras

        return keras.saving.deserialize_keras_object(identifier)
    raise TypeError(
        "`sharing` must be the name of an architecture, a dict such as "
        "{'name': 'mmoe', 'num_experts': 4}, or a Sharing. "
        f"Received: {identifier!r} of type {type(identifier).__name__}"
    )
