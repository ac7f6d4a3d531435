"""Which trained model a tool uses: a workdir's, or the zoo's own."""

import dataclasses
from pathlib import Path

from absl import flags

import zoo
from mtl_keras import artefacts, files
from mtl_keras.messages import listed
from zoo import own_data, registry, saved
from zoo import weights as zoo_weights
from zoo.card import Card
from zoo.commands import folder_flags

WEIGHTS_FILE = "model.weights.h5"


@dataclasses.dataclass(frozen=True)
class Selection:
    """A trained model and how it was made.

    Attributes:
        name: String, the model's name in the zoo.
        data: String, the name of its data, or a folder of own data.
        overrides: Dict, what differs from the entry's defaults.
        weights: String, a name on the card or a path.
        folder: String, the folder of a saved model that holds all of these,
            or `None`.
        classes: Dict of task name to the model's class names, `None` where
            the data decide them.
        reading: Dict of `layout` and `columns`, as for `zoo.load`, where they
            differ from those of the training.
    """

    name: str
    data: str
    overrides: dict
    weights: str
    folder: str | None = None
    classes: dict | None = None
    reading: dict = dataclasses.field(default_factory=dict)

    @property
    def card(self):
        """The card of the model, with the classes of a saved one."""
        if self.folder is None:
            return zoo.info(self.name)
        return Card.read(Path(self.folder) / saved.CARD)

    def load(self):
        """Returns the model with its weights and its own classes."""
        if self.folder is not None:
            return zoo.load(self.folder)
        data = None if self.classes else self.data
        options = {**self.overrides, **(self.reading if data else {})}
        return zoo.load(self.name, data, self.weights, **options)

    def dataset(self, split: str, batch_size: int, data_dir: str | None):
        """Returns a split's batches, in order, without augmentation."""
        what = {"weights": self.weights, **self.overrides}
        return zoo.dataset(
            self.folder or self.name,
            split,
            self.data,
            batch_size,
            data_dir=data_dir,
            training=False,
            classes=self.classes,
            **self.reading,
            **({"tasks": list(self.tasks)} if self.folder else what),
        )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(self.card["tasks"])


def define(values: flags.FlagValues) -> None:
    """Defines the flags that choose a trained model."""
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of a finished training.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "model", None, "Name of a model of the zoo.", flag_values=values
    )
    flags.DEFINE_string(
        "weights",
        None,
        "Name of weights on the model's card, or a file's path. Without it, "
        "the first on the card.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data",
        None,
        "Name of the data or a folder of your own data, where it is not that "
        "of the weights.",
        flag_values=values,
    )
    folder_flags.define(values)


def read(values: flags.FlagValues) -> Selection:
    """Reads the flags that `define` defined.

    Args:
        values: Parsed flags.

    Returns:
        `Selection`.

    Raises:
        ValueError: If the flags name no trained model.
    """
    if (values.workdir is None) == (values.model is None):
        raise ValueError(
            "Expected either --workdir, a training of your own, or --model, a "
            "model of the zoo. Received: "
            f"--workdir={values.workdir} --model={values.model}"
        )
    if values.workdir is not None:
        if values.weights is not None:
            raise ValueError(
                "A workdir has its own weights. Received: "
                f"--workdir={values.workdir} --weights={values.weights}. "
                "Leave out --weights, or give --model in place of --workdir."
            )
        selection = from_workdir(Path(values.workdir), values.data)
    else:
        selection = _from_card(values.model, values.weights, values.data)
    reading = {
        "layout": values.layout,
        "columns": folder_flags.columns(values),
    }
    reading = {key: value for key, value in reading.items() if value}
    return dataclasses.replace(
        selection, reading={**selection.reading, **reading}
    )


def from_workdir(workdir: Path, data: str | None = None) -> Selection:
    """Finds the model that a workdir's training made.

    Args:
        workdir: Path of the folder.
        data: String, other data to use it with. Defaults to the training's.

    Returns:
        `Selection`.

    Raises:
        ValueError: If there is no finished training.
    """
    if (workdir / saved.DESCRIPTION).is_file():
        return _from_saved(workdir, data)
    config = read_json(workdir, "config.json")
    missing = [key for key in ("model", "data") if key not in config]
    if missing or not isinstance(config.get("overrides") or {}, dict):
        raise ValueError(
            f"{str(workdir / 'config.json')!r} is not the recipe of a zoo "
            f"model: expected 'model', 'data' and, as an object, 'overrides'. "
            f"Received: {listed(sorted(config))}"
        )
    weights = workdir / WEIGHTS_FILE
    if not weights.is_file():
        raise ValueError(
            f"The training in {str(workdir)!r} has not finished: there is no "
            f"{WEIGHTS_FILE}. The command that started it resumes it."
        )
    return Selection(
        config["model"],
        data or config["data"],
        config.get("overrides") or {},
        str(weights),
        reading={
            key: config[key] for key in ("layout", "columns") if config.get(key)
        },
    )


def _from_saved(folder, data) -> Selection:
    trained = saved.read(folder)
    return Selection(
        trained.model,
        data or trained.data,
        trained.overrides,
        str(trained.path),
        str(folder),
        trained.spec.classes,
    )


def read_json(workdir: Path, name: str) -> dict:
    """Reads a file of a workdir.

    Args:
        workdir: Path of the folder.
        name: String, the file's name.

    Returns:
        Dict.

    Raises:
        ValueError: If there is no such folder, or no such file that is whole.
    """
    path = workdir / name
    if not path.is_file():
        raise ValueError(
            f"{str(workdir)!r} is not the folder of a training: there is no "
            f"{name}. "
            f"Received: --workdir={workdir}"
        )
    content = files.read_json_object(path)
    artefacts.check(path)
    return content


def _from_card(name, weights, data) -> Selection:
    card = zoo.info(name)
    known = card.get("weights", {})
    if weights is None:
        if not known:
            raise ValueError(
                f"The zoo has no trained weights of {name!r}. Train it with "
                f"`python -m tools.train --model {name} --workdir FOLDER` and "
                "give --workdir, or give --weights with a file's path."
            )
        weights = next(iter(known))
    trained = zoo_weights.find(card, weights)
    data = data or trained.data or card.default_data
    own_data.check_known(name, data, card["data"])
    classes = None
    if trained.data is not None:
        # Other data are read with the classes of the weights.
        entry = registry.find(name).entry
        tasks = trained.overrides.get("tasks")
        classes = dict(entry.spec(trained.data, tasks).classes)
    return Selection(name, data, trained.overrides, weights, classes=classes)
