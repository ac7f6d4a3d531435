"""Reads a recipe and the fields of it that a command line changes."""

import ast
import runpy
import sys
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict, config_flags

from mtl_keras.messages import did_you_mean, listed

_PREFIX = "--config."
# Fields that hold what their reader names: the arguments of a model, weights
# of tasks, hyperparameters of a balancer, parts of the data. The reader says
# which names there are.
_OPEN = ("overrides", "loss_weights", "balancer", "splits")


def read(path: Path, overrides: list[str]) -> ConfigDict:
    """Reads a recipe.

    Args:
        path: Path of a Python file with a function `get_config()`.
        overrides: List of strings `--config.FIELD.FIELD=VALUE`.

    Returns:
        `ml_collections.ConfigDict`.

    Raises:
        ValueError: If the file is no recipe, it has no such field, or a value
            is not of the field's type.
    """
    config = _load(Path(path))
    argv = ["config"]
    for override in overrides:
        flag, value = override.split("=", 1)
        if flag.removeprefix(_PREFIX).split(".")[0] in _OPEN:
            _set_open_field(config, flag, value)
        else:
            _check_field(config, flag)
            argv.append(override)
    values = flags.FlagValues()
    # `config_flags` looks for overrides in `sys_argv`, and the parser reads
    # them from the list it is given.
    config_flags.DEFINE_config_dict(
        "config", config, flag_values=values, sys_argv=argv
    )
    try:
        values(argv)
    except (flags.Error, TypeError) as error:
        raise ValueError(f"A value does not fit the recipe: {error}") from error
    return values.config


def _load(path) -> ConfigDict:
    if not path.is_file():
        raise ValueError(
            f"There is no recipe {str(path)!r}. Expected a Python file with a "
            f"function `get_config()`. Received: --config={path}"
        )
    # A recipe is data: it leaves no compiled file beside itself.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        # A recipe is somebody's code: whatever it raises, say whose it is.
        raise ValueError(
            f"The recipe {str(path)!r} does not run as Python: "
            f"{type(error).__name__}: {error}"
        ) from error
    finally:
        sys.dont_write_bytecode = kept
    config = names["get_config"]() if "get_config" in names else None
    if not isinstance(config, ConfigDict):
        raise ValueError(
            f"The recipe {str(path)!r} must have a function `get_config()` "
            "that returns an ml_collections.ConfigDict. "
            f"Received: {config!r}"
        )
    return config


def _set_open_field(config, flag, value) -> None:
    """Sets a field, such as `overrides.tasks`, that may not be there yet."""
    try:
        # As in `config_flags`: a Python literal, else a text.
        value = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        value = {"true": True, "false": False}.get(value, value)
    name, *inner = flag.removeprefix(_PREFIX).split(".")
    if len(inner) > 1:
        raise ValueError(
            f"`config.{name}` has no fields within its fields. Received: {flag}"
        )
    with config.unlocked(), config.ignore_type():
        if not inner:
            config[name] = value
            return
        if not isinstance(config.get(name), ConfigDict):
            config[name] = ConfigDict()
        with config[name].unlocked(), config[name].ignore_type():
            config[name][inner[0]] = value


def _check_field(config, flag) -> None:
    """Checks that a recipe has the field which an override names."""
    known = config
    path = flag.removeprefix(_PREFIX).split(".")
    for depth, field in enumerate(path):
        fields = list(known) if isinstance(known, ConfigDict) else []
        if field not in fields:
            parent = ".".join(["config", *path[:depth]])
            raise ValueError(
                f"The recipe has no field {parent + '.' + field!r}. Expected "
                f"one of {listed(fields)}.{did_you_mean(field, fields)} "
                f"Received: {flag}"
            )
        known = known[field]
