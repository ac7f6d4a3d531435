"""Finds a loss or metric by its name, config, class or object."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from types import ModuleType

import keras

from mtl_keras.messages import did_you_mean, listed

_NOT_IDENTIFIERS = {"Loss", "Metric", "deserialize", "get", "serialize"}


def by_module(package: str, path: Iterable[str], base) -> dict[str, type]:
    """Lists the classes of a package, one a module, under the module's name.

    A module counts if it defines a subclass of `base` that is registered with
    `keras.saving.register_keras_serializable`; base classes and shared
    arithmetic are not registered. So a new loss or metric is one new file.

    Args:
        package: String, the package's name.
        path: Strings, the package's `__path__`.
        base: Class or tuple of classes.

    Returns:
        Dict, module name to class, sorted.

    Raises:
        ValueError: If a module registers more than one such class.
    """
    classes = {}
    for module_name in sorted(m.name for m in pkgutil.iter_modules(path)):
        module = importlib.import_module(f"{package}.{module_name}")
        registered = [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and issubclass(value, base)
            and value.__module__ == module.__name__
            and keras.saving.get_registered_name(value) != value.__name__
        ]
        if len(registered) > 1:
            raise ValueError(
                f"Module {module.__name__!r} must register one class. "
                f"Received: {listed(cls.__name__ for cls in registered)}"
            )
        if registered:
            classes[module_name] = registered[0]
    return classes


def resolve(
    what: str, identifier: object, ours: dict[str, type], theirs: ModuleType
):
    """Turns an identifier into an object: ours by name first, then Keras's.

    Args:
        what: String, `"loss"` or `"metric"`, for the errors.
        identifier: Name, config dict, class, object or function; `None` is
            returned as it is.
        ours: Dict, name to class.
        theirs: `keras.losses` or `keras.metrics`.

    Returns:
        A new object for a name, config or class; else `identifier` itself.

    Raises:
        ValueError: If nothing has this name, or it cannot be built from it.
    """
    if isinstance(identifier, str):
        if identifier in ours:
            return ours[identifier]()
        return _by_keras_name(what, identifier, ours, theirs)
    if isinstance(identifier, dict):
        return _by_config(what, identifier, ours, theirs)
    if inspect.isclass(identifier):
        return _built(what, identifier, identifier)
    if identifier is None or callable(identifier):
        return identifier
    raise ValueError(
        f"Expected a {what}: a name, an object or a function of "
        f"(y_true, y_pred). Received: {identifier!r} "
        f"of type {type(identifier).__name__}"
    )


def _by_keras_name(what, name, ours, theirs):
    try:
        return theirs.get(name)
    except TypeError as error:
        raise ValueError(_needs_arguments(what, name, error)) from error
    except ValueError:
        raise ValueError(_unknown(what, name, ours, theirs)) from None


def _by_config(what, config, ours, theirs):
    if "class_name" not in config:
        raise ValueError(
            f"The config of a {what} must have the key 'class_name'. "
            f"Received: {config!r}"
        )
    classes = {cls.__name__: cls for cls in ours.values()}
    is_short = "module" not in config and "registered_name" not in config
    try:
        if is_short and config["class_name"] in classes:
            cls = classes[config["class_name"]]
            return cls.from_config(config.get("config") or {})
        if is_short:
            built = theirs.deserialize({"config": {}, **config})
        else:
            built = keras.saving.deserialize_keras_object(config)
    except TypeError as error:
        raise ValueError(
            f"Cannot build a {what} from its config: {error} "
            f"Received: {config!r}"
        ) from error
    if isinstance(built, str):
        # Keras 3.15 returns the name of a class that it does not know.
        raise ValueError(_unknown(what, built, ours, theirs))
    return built


def _built(what, cls, received):
    try:
        return cls()
    except TypeError as error:
        raise ValueError(_needs_arguments(what, received, error)) from error


def _needs_arguments(what, name, error) -> str:
    return (
        f"The {what} {name!r} cannot be made from its name alone: {error}. "
        f"Give an object with its arguments. Received: {name!r}"
    )


def _unknown(what, name, ours, theirs) -> str:
    public = {n for n in dir(theirs) if not n.startswith("_")}
    options = sorted({*ours, *(public - _NOT_IDENTIFIERS)})
    return (
        f"Unknown {what}: {name!r}. Expected one of {listed(sorted(ours))}, "
        f"or a name of {theirs.__name__.replace('._tf_keras', '')}."
        f"{did_you_mean(name, options)} Received: {name!r}"
    )
