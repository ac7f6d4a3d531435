"""Which models exist: one card a file, and what users register.

An entry is a module (or any object) with these names:

- `tasks(data, names=None)` -> tuple of `mtl_keras.Task`.
- `build(data, **overrides)` -> `mtl_keras.MultiTaskModel`. Each override is a
  named argument, so that a misspelt one can be told from a right one.
- `preprocessor(data)` and `postprocessor(data)` -> what turns raw input into
  tensors and answers into words; they name the overrides they depend on.
- `example(data)` -> function from a data set's example to
  `(raw_inputs, {task: label})`.
- `augmentation(data)` -> function on `(inputs, labels, seed)`, or `None`.
- `batching(data)` -> dict of further arguments of `mtl_keras.data.pipeline`,
  such as `bucket_lengths` for sequences.
- `countable(data)` -> the model with inputs of known size and without loops,
  where `build(data)` has others, so that its operations can be counted.
- `search(hp, space, given)` -> dict of overrides that a search tries, chosen
  by `hp`, a `keras_tuner.HyperParameters`. `space` is `"small"`, what makes no
  step dearer, or `"full"`; `given` holds each override of the recipe, else of
  `build`, which are to be the defaults. Without it a search leaves the model
  as it is. See `zoo.hypermodel`.
- `DATA`: dict from data name to `"package.module:Builder"`, the TensorFlow
  Datasets builder.
- `CARD`, where a person has to say what no program can measure: dict that may
  hold `"summary"`, `"licences"` and `"published"`.
"""

import fnmatch
import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from mtl_keras.messages import unknown
from zoo.card import Card

CARDS = Path(__file__).parent / "cards"
RECIPES = Path(__file__).parent / "recipes"
_NAMES_OF_AN_ENTRY = ("tasks", "build", "example", "DATA")

_packaged: dict[str, "Entry"] = {}
_registered: dict[str, "Entry"] = {}


class Entry:
    """A model of the zoo: its card, and its module once that is needed.

    Args:
        card: `Card`.
        source: String, the module's full name, or the module or object.
    """

    def __init__(self, card: Card, source: object):
        self.card = card
        self._source = source

    @property
    def name(self) -> str:
        """The entry's name, as `zoo.load` takes it."""
        return self.card["name"]

    @property
    def module(self):
        """The entry's module, imported now if it was not yet."""
        if isinstance(self._source, str):
            self._source = importlib.import_module(self._source)
        return self._source


def _entries() -> dict[str, Entry]:
    if not _packaged:
        for path in sorted(CARDS.glob("*.json")):
            card = Card.read(path)
            _packaged[card["name"]] = Entry(card, card["module"])
    return {**_packaged, **_registered}


def reread() -> None:
    """Forgets the packaged cards, so that changed files are read again."""
    _packaged.clear()


def find(name: str) -> Entry:
    """Finds an entry.

    Args:
        name: String, a name of `list_models()`.

    Returns:
        `Entry`.

    Raises:
        ValueError: If there is no such model.
    """
    entries = _entries()
    if name not in entries:
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
            only models that answer all of them are listed.
        data: String, a data name; only models with a recipe or weights for it
            are listed.

    Returns:
        Sorted list of strings.

    Raises:
        ValueError: If no model at all has such a task or such data.
    """
    cards = [entry.card for entry in _entries().values()]
    wanted = [tasks] if isinstance(tasks, str) else list(tasks or ())
    options = set().union(*(card.answers for card in cards))
    for task in wanted:
        if task not in options:
            raise ValueError(unknown("task", task, options, tasks))
    names = {name for card in cards for name in card["data"]}
    if data is not None and data not in names:
        raise ValueError(unknown("data", data, names))
    return sorted(
        card["name"]
        for card in cards
        if fnmatch.fnmatchcase(card["name"], pattern)
        and card.answers.issuperset(wanted)
        and (data is None or data in card["data"])
    )


def register(name: str, module_or_object: object, card: dict) -> None:
    """Adds a model of your own to the zoo, for this process.

    A name that was registered before is replaced, so that a notebook's cell
    can be run twice; a name of the zoo's own is refused.

    Args:
        name: String.
        module_or_object: Module, its full name, or an object with the names
            that `zoo.registry` describes: `tasks`, `build`, `example`, `DATA`.
        card: Dict with at least `"tasks"` (task name -> dict with `"kind"`)
            and `"data"` (data name -> dict).

    Raises:
        ValueError: If the name is taken, or the card or the object lacks a
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
    entry = Entry(Card({**card, "name": name}), module_or_object)
    if not isinstance(module_or_object, str):
        missing = [
            part
            for part in _NAMES_OF_AN_ENTRY
            if not hasattr(module_or_object, part)
        ]
        if missing:
            raise ValueError(
                f"The entry {name!r} lacks {', '.join(map(repr, missing))}. "
                f"Expected a module or object with all of "
                f"{', '.join(map(repr, _NAMES_OF_AN_ENTRY))}. "
                f"Received: {module_or_object!r}"
            )
    _registered[name] = entry


def recipe(name: str) -> Path:
    """Finds the recipe that trains a model.

    Args:
        name: String, a name of `list_models()`.

    Returns:
        `pathlib.Path` of a Python file with `get_config()`.

    Raises:
        ValueError: If there is no such model, or it has no recipe.
    """
    find(name)
    path = RECIPES / f"{name}.py"
    if not path.exists():
        raise ValueError(
            f"The model {name!r} has no recipe in the zoo. Give the path of "
            "one of your own: --config=my_recipe.py"
        )
    return path
