"""A recipe's file: a Python file with `get_config()`, read and written.

Not named `recipe`: a module of that name would take the place of the function
`zoo.recipe` as soon as it was imported.
"""

import ast
import json
import runpy
import sys
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict, config_flags

from mtl_keras import files
from mtl_keras.messages import did_you_mean, listed
from zoo import own_data, registry

_PREFIX = "--config."
# Fields that hold what their reader names: the arguments of a model, weights
# of tasks, hyperparameters of a balancer, parts of the data. The reader says
# which names there are.
_OPEN = (
    "overrides",
    "loss_weights",
    "balancer",
    "splits",
    "weights",
    "classes",
    "class_weight",
    "columns",
    "layout",
    "stages",
    "dtype_policy",
)
# Fields of `optimizer` that a recipe need not have.
_OPTIMIZER_FIELDS = ("trunk_learning_rate", "parts")
_INDENT = "    "


def choose(
    model: str | None,
    path: str | Path | None,
    overrides: list[str],
    data: str | None = None,
    layout: str | None = None,
    columns: dict | None = None,
) -> ConfigDict:
    """Reads the recipe of a model, or one of your own.

    Args:
        model: String, a name of `zoo.list_models()`, or `None`.
        path: Path of a recipe, or `None` for the model's own.
        overrides: List of strings `--config.FIELD.FIELD=VALUE`.
        data: String, a name on the model's card or the path of a folder, in
            the place of the recipe's `data`.
        layout: String, as for `zoo.load`, in the place of the recipe's.
        columns: Dict, as for `zoo.load`, in the place of the recipe's.

    Returns:
        `ml_collections.ConfigDict`. Of a folder, `data` is the absolute path
        and `overrides.tasks` the tasks it has labels for, if none are named.
        Loss weights of tasks that `overrides.tasks` leaves out are dropped.

    Raises:
        ValueError: If there is no such recipe, it is of another model, or an
            override does not fit.
    """
    if model is None and path is None:
        raise ValueError(
            "Expected --model, a model of the zoo "
            f"({', '.join(registry.list_models())}), or --config, a recipe of "
            "your own. Received: neither"
        )
    config = read(path or registry.recipe(model), overrides)
    _check_open_fields(config)
    if model is not None and model != config.model:
        raise ValueError(
            f"The recipe is for {config.model!r}. Received: --model={model} "
            f"--config={path}. Leave out --model, or change the recipe's field "
            "`model`."
        )
    fields = {"data": data, "layout": layout, "columns": columns or None}
    for field, value in fields.items():
        if value is not None:
            with config.unlocked(), config.ignore_type():
                config[field] = value
    _settle_folder(config, overrides)
    _drop_other_tasks(config, overrides)
    return config


def _check_open_fields(config) -> None:
    """Checks the types of fields that the command line can set to anything."""
    for field in ("overrides", "balancer", "splits", "columns"):
        value = config.get(field)
        if value is not None and not isinstance(value, ConfigDict | dict):
            raise ValueError(
                f"`config.{field}` must hold names with values. Received: "
                f"{value!r}. Write --config.{field}.NAME=VALUE."
            )
    tasks = (config.get("overrides") or {}).get("tasks")
    if tasks is None:
        return
    is_sequence = isinstance(tasks, list | tuple)
    if not is_sequence or not all(isinstance(name, str) for name in tasks):
        raise ValueError(
            "`config.overrides.tasks` must be a tuple of names of tasks. "
            f"Received: {tasks!r}. For example "
            "--config.overrides.tasks=\"('cls','det')\""
        )


def _settle_folder(config, overrides) -> None:
    """Writes down what a folder of own data leaves open."""
    card, data = registry.info(config.model), config.get("data")
    if data is None:
        return
    own_data.check_known(config.model, data, card["data"])
    if not own_data.is_folder(data, card["data"]):
        return
    path = Path(data).expanduser().resolve()
    options = dict(config.get("overrides") or {})
    entry, columns = registry.find(config.model).entry, config.get("columns")
    options["tasks"] = own_data.labelled_tasks(
        entry,
        path,
        options.get("tasks"),
        own_data.reading(entry, config.get("layout"), columns),
    )
    with config.unlocked(), config.ignore_type():
        # The same run from any folder.
        config.data = str(path)
        config.overrides = ConfigDict(options)
        if not any(o.startswith("--config.splits") for o in overrides):
            # Parts that the recipe's own data have.
            config.splits = None


def _drop_other_tasks(config, overrides) -> None:
    """Drops the recipe's own weights of tasks that are left out."""
    weights = config.get("loss_weights")
    tasks = (config.get("overrides") or {}).get("tasks")
    typed = any(o.startswith("--config.loss_weights") for o in overrides)
    if tasks is None or typed or not hasattr(weights, "items"):
        return
    known = registry.info(config.model)["tasks"]
    with config.unlocked(), config.ignore_type():
        config.loss_weights = ConfigDict(
            {n: w for n, w in weights.items() if n in tasks or n not in known}
        )


def read(path: Path, overrides: list[str]) -> ConfigDict:
    """Reads a recipe.

    Args:
        path: Path of a Python file with a function `get_config()`.
        overrides: List of strings `--config.FIELD.FIELD=VALUE`.

    Returns:
        `ml_collections.ConfigDict`.

    Raises:
        ValueError: If the file is not a recipe, it has no such field, or a
            value is not of the field's type.
    """
    config = _load(Path(path))
    argv = ["config"]
    for override in overrides:
        flag, value = override.split("=", 1)
        path = flag.removeprefix(_PREFIX).split(".")
        if path[0] == "optimizer" and path[1:2] and _is_new(config, path[1]):
            _set_optimizer(config, path[1:], value)
        elif path[0] in _OPEN:
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
        raise ValueError(
            "A value does not fit the recipe. Expected one of the type that "
            f"the recipe's own has. Received: {error}"
        ) from error
    return values.config


def _load(path) -> ConfigDict:
    if not path.is_file():
        raise ValueError(
            f"There is no recipe {str(path)!r}. Expected a Python file with a "
            f"function `get_config()`. Received: --config={path}"
        )
    # A recipe is data: it leaves no compiled file beside itself.
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        # A recipe is code of the user's, which may raise anything.
        raise ValueError(
            f"The recipe {str(path)!r} does not run as Python: "
            f"{type(error).__name__}: {error}"
        ) from error
    finally:
        sys.dont_write_bytecode = writes_none
    has_function = callable(names.get("get_config"))
    config = _called(names["get_config"], path) if has_function else None
    if not isinstance(config, ConfigDict):
        raise ValueError(
            f"The recipe {str(path)!r} must have a function `get_config()` "
            "that returns an ml_collections.ConfigDict. "
            f"Received: {config!r}"
        )
    return config


def _called(get_config, path):
    try:
        return get_config()
    except Exception as error:
        # As above: a recipe is code of the user's.
        raise ValueError(
            f"`get_config()` of the recipe {str(path)!r} fails: "
            f"{type(error).__name__}: {error}"
        ) from error


def _literal(value: str):
    """Reads a value as `config_flags` does: a Python literal, else a text."""
    try:
        return ast.literal_eval(value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"true": True, "false": False}.get(value, value)


def _is_new(config, field) -> bool:
    return field in _OPTIMIZER_FIELDS and isinstance(
        config.get("optimizer"), ConfigDict
    )


def _set_optimizer(config, path, value) -> None:
    """Sets `trunk_learning_rate`, `parts`, or a field within `parts`."""
    with config.optimizer.unlocked(), config.optimizer.ignore_type():
        fields = config.optimizer
        for name in path[:-1]:
            if not isinstance(fields.get(name), ConfigDict):
                fields[name] = ConfigDict()
            fields = fields[name]
        with fields.unlocked(), fields.ignore_type():
            fields[path[-1]] = _literal(value)


def _set_open_field(config, flag, value) -> None:
    """Sets a field, such as `overrides.tasks`, that may not be there yet."""
    value = _literal(value)
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
        if not depth:
            fields = sorted({*fields, *_OPEN})
        if field not in fields:
            parent = ".".join(["config", *path[:depth]])
            raise ValueError(
                f"The recipe has no field {parent + '.' + field!r}. Expected "
                f"one of {listed(fields)}.{did_you_mean(field, fields)} "
                f"Received: {flag}"
            )
        known = known[field]


def write(config: ConfigDict, path: Path, notes: list[str]) -> None:
    """Writes a recipe.

    Args:
        config: `ConfigDict` of plain values.
        path: Path of the `.py` file.
        notes: List of strings, what its docstring says, the first in one line.
    """
    files.write_text(path, source(config, notes))


def source(config: ConfigDict, notes: list[str]) -> str:
    """Writes the Python of a recipe.

    Args:
        config: `ConfigDict` of plain values.
        notes: List of strings.

    Returns:
        String, a module with `get_config()`.
    """
    docstring = "\n\n".join(notes).replace("\\", "\\\\").replace('"""', "'''")
    lines = []
    for key in config:
        value = _written(config, key, 2)
        if isinstance(config[key], ConfigDict):
            value = (
                f"ml_collections.ConfigDict(\n{_INDENT * 2}{value}\n{_INDENT})"
            )
        lines.append(f"{_INDENT}config.{key} = {value}")
    return "\n".join(
        [
            f'"""{docstring}',
            '"""',
            "",
            "import ml_collections",
            *(
                ["from ml_collections.config_dict import placeholder"]
                if any("placeholder(" in line for line in lines)
                else []
            ),
            "",
            "",
            "def get_config() -> ml_collections.ConfigDict:",
            f'{_INDENT}"""Returns the recipe."""',
            f"{_INDENT}config = ml_collections.ConfigDict()",
            *lines,
            f"{_INDENT}return config",
            "",
        ]
    )


def _written(config, key, depth) -> str:
    """Writes a value; a dict's braces stand `depth` steps from the left."""
    value = config[key]
    if isinstance(value, ConfigDict):
        inner = [
            f"{_INDENT * (depth + 1)}{json.dumps(name)}: "
            f"{_written(value, name, depth + 1)},"
            for name in value
        ]
        return "\n".join(["{", *inner, f"{_INDENT * depth}}}"])
    if isinstance(value, str):
        # As the formatter writes it.
        return json.dumps(value, ensure_ascii=False)
    if value is not None:
        return repr(value)
    # A field without a value still knows its type, for the command line.
    kind = config.get_type(key)
    return "None" if kind is type(None) else f"placeholder({kind.__name__})"
