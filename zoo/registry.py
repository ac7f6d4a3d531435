"""Which models exist: one card a file, and what users register."""

import fnmatch
import importlib
import shlex
import types
from collections.abc import Iterable, Mapping
from pathlib import Path

from mtl_keras.messages import listed, unknown
from zoo.card import Card
from zoo.entry import Entry

CARDS = Path(__file__).parent / "cards"
RECIPES = Path(__file__).parent / "recipes"

_packaged: dict[str, "Registered"] = {}
_registered: dict[str, "Registered"] = {}


class Registered:
    """A card and the entry it describes, which is imported when needed.

    Args:
        card: `Card`.
        source: As for `entry_of`.
    """

    def __init__(self, card: Card, source: object):
        self.card = card
        self._source = source

    @property
    def name(self) -> str:
        """The model's name, as `zoo.load` takes it."""
        return self.card["name"]

    @property
    def entry(self) -> Entry:
        """The entry, imported now if it was not yet."""
        self._source = entry_of(self._source)
        return self._source


def entry_of(source: object) -> Entry:
    """Finds the entry that a module, a name or a class stands for.

    Args:
        source: `Entry`, a subclass of it, a module that defines one subclass,
            or a string: `"package.module"` or `"package.module:Class"`.

    Returns:
        `Entry`.

    Raises:
        ValueError: If it is something else, or the entry lacks a part.
    """
    received = source
    if isinstance(source, str):
        module_name, _, class_name = source.partition(":")
        source = importlib.import_module(module_name)
        if class_name:
            source = getattr(source, class_name, None)
    if isinstance(source, types.ModuleType):
        defined = [
            value
            for value in vars(source).values()
            if _is_entry_class(value) and value.__module__ == source.__name__
        ]
        if len(defined) != 1:
            raise ValueError(
                f"The module {source.__name__!r} must define one zoo.Entry. "
                f"Received: {listed(each.__name__ for each in defined)}. Name "
                f"the one that is meant: '{source.__name__}:Class'"
            )
        (source,) = defined
    if _is_entry_class(source):
        source = source()
    if not isinstance(source, Entry):
        raise ValueError(
            "Expected a zoo.Entry: a class, an instance, or the name of a "
            f"module that defines one. Received: {received!r}"
        )
    missing = [name for name in ("data", "kinds") if not getattr(source, name)]
    if type(source).build is Entry.build:
        missing.append("build")
    if missing:
        raise ValueError(
            f"The entry {type(source).__name__} must define {listed(missing)}. "
            "See zoo.Entry."
        )
    return source


def _is_entry_class(value) -> bool:
    return isinstance(value, type) and issubclass(value, Entry)


def _entries() -> dict[str, Registered]:
    if not _packaged:
        for path in sorted(CARDS.glob("*.json")):
            card = Card.read(path)
            _packaged[card["name"]] = Registered(card, card["module"])
    return {**_packaged, **_registered}


def reread() -> None:
    """Forgets the packaged cards, so that changed files are read again."""
    _packaged.clear()


def find(name: str) -> Registered:
    """Finds a model's card and entry.

    Args:
        name: String, a name of `list_models()`.

    Returns:
        `Registered`.

    Raises:
        ValueError: If there is no such model.
    """
    entries = _entries()
    if not isinstance(name, str) or name not in entries:
        raise ValueError(unknown("model", name, entries))
    return entries[name]


def info(name: str) -> Card:
    """Returns a model's card: `print(zoo.info("cls_det_box"))`.

    Args:
        name: String, a name of `list_models()`.

    Returns:
        `Card`, a read-only dict that prints as a readable page.

    Raises:
        ValueError: If there is no such model.
    """
    return find(name).card


def list_models(
    pattern: str = "*",
    tasks: str | Iterable[str] | None = None,
    data: str | None = None,
) -> list[str]:
    """Lists the models of the zoo.

    Args:
        pattern: String, as in a shell: `"cls_*"`.
        tasks: String or strings, each a task's name or its kind (`"box"`);
            only models that have all of them are listed.
        data: String, a data name; only models with a recipe or weights for it
            are listed.

    Returns:
        Sorted list of strings.

    Raises:
        ValueError: If no model at all has such a task or such data.
    """
    cards = [entry.card for entry in _entries().values()]
    required = [tasks] if isinstance(tasks, str) else list(tasks or ())
    options = set().union(*(card.answers for card in cards))
    for task in required:
        if task not in options:
            raise ValueError(unknown("task", task, options, tasks))
    names = {name for card in cards for name in card["data"]}
    if data is not None and data not in names:
        raise ValueError(unknown("data", data, names))
    return sorted(
        card["name"]
        for card in cards
        if fnmatch.fnmatchcase(card["name"], pattern)
        and card.answers.issuperset(required)
        and (data is None or data in card["data"])
    )


def register(name: str, entry: object, card: dict) -> None:
    """Adds a model of your own to the zoo, for this process.

    A name that was registered before is replaced, so that a notebook's cell
    can be run twice; a name of the zoo's own is refused.

    Args:
        name: String.
        entry: `zoo.Entry`, a subclass of it, or the full name of a module that
            defines one, which is then imported when the model is used.
        card: Dict with at least `"tasks"` (task name -> dict with `"kind"`)
            and `"data"` (data name -> dict).

    Raises:
        ValueError: If the name is taken, or the card or the entry lacks a
            part.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(
            "A model's name must be letters, digits and underscores. "
            f"Received: name={name!r}"
        )
    if not isinstance(card, Mapping):
        raise ValueError(
            "A model's card must be a dict with 'tasks' and 'data'. "
            f"Received: card={card!r}"
        )
    _entries()
    if name in _packaged:
        raise ValueError(
            f"The zoo has a model named {name!r} already. Expected a new name. "
            f"Received: name={name!r}"
        )
    card = Card({**card, "name": name})
    if not isinstance(entry, str):
        entry = entry_of(entry)
    _registered[name] = Registered(card, entry)


def recipe(name: str, weights: str | None = None) -> Path:
    """Finds the recipe that trains a model.

    Args:
        name: String, a name of `list_models()`.
        weights: String, weights on the card, whose recipe it is, or the end of
            the name of another recipe of the model: `"minilm"` is
            `tag_parse_minilm.py`. Defaults to `None`: the model's own recipe.

    Returns:
        `pathlib.Path` of a Python file with `get_config()`.

    Raises:
        ValueError: If there is no such model, or it has no such recipe.
    """
    card, file = find(name).card, f"{name}.py"
    if weights is not None:
        known = {
            path.stem.removeprefix(f"{name}_"): path.name
            for path in sorted(RECIPES.glob(f"{name}_*.py"))
            if path.stem not in _entries()
        }
        for trained, facts in card.get("weights", {}).items():
            known[trained] = facts.get("recipe", file)
        if not isinstance(weights, str) or weights not in known:
            raise ValueError(unknown(f"recipe of {name!r}", weights, known))
        file = known[weights]
    path = RECIPES / file
    if not path.exists():
        raise ValueError(
            f"The model {name!r} has no recipe in the zoo. Give the path of "
            "one of your own: --config=my_recipe.py"
        )
    return path


def recipe_of(command: str | None) -> str | None:
    """Finds the recipe of the zoo, other than a model's own, in a command.

    Args:
        command: String, a command that trained a model, or `None`.

    Returns:
        String, the name of the recipe's file; `None` where it is a model's own
        or none of the zoo's.
    """
    parts = shlex.split(command or "")
    flags = dict(part.split("=", 1) for part in parts if "=" in part)
    path = Path(flags.get("--config", ""))
    if "--recipe" in flags:
        path = recipe(flags["--model"], flags["--recipe"])
    is_file = path.suffix == ".py" and (RECIPES / path.name).exists()
    if not is_file or path.stem in list_models():
        return None
    return path.name
