"""The contract of a model of the zoo: a base class with defaults."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from mtl_keras.messages import listed, unknown


@dataclasses.dataclass(frozen=True)
class Spec:
    """What one model of an entry is made for.

    An entry reads its data, tasks and classes from here and from nowhere else,
    so that the same entry serves other tasks and other classes.

    Attributes:
        data: String, the name of the data.
        tasks: Tuple of strings, the names of the tasks, in order.
        classes: Dict from task name to its tuple of class names; a task
            without classes is absent.
        assets: Dict of what was read from training examples, such as a
            vocabulary; see `Entry.assets`.
        inner: Tuple of strings, tasks without an output of their own, whose
            heads are kept because other heads read them.
        reading: Dict of how `data` is read where it is a folder of one's own:
            `"layout"` and `"columns"`, each where it was given.
    """

    data: str
    tasks: tuple[str, ...]
    classes: Mapping[str, tuple[str, ...]] = dataclasses.field(
        default_factory=dict
    )
    assets: Mapping[str, object] = dataclasses.field(default_factory=dict)
    inner: tuple[str, ...] = ()
    reading: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def __contains__(self, task: str) -> bool:
        """Tells whether the model has a task."""
        return task in self.tasks


class Entry:
    """A model of the zoo.

    A subclass states its data and its tasks and builds the model; all else has
    a default. Overrides, which a user gives to `zoo.load`, are the
    keyword-only arguments of `build`. Another method receives those of them
    that it names.

    ```python
    class Shapes(zoo.Entry):
        \"\"\"The class of a shape and where it is.\"\"\"

        data = {"shapes": "my_package.shapes:Builder"}
        kinds = {"cls": "classification", "box": "box"}
        classes = {"shapes": {"cls": ("circle", "square")}}

        def build(self, spec, *, width=16):
            image = keras.Input((32, 32, 1), name="image")
            features = keras.layers.Flatten()(image)
            features = keras.layers.Dense(width, "relu")(features)
            tasks = self.tasks(spec)
            outputs = {t.name: t.head.build(features, t) for t in tasks}
            inputs = {"image": image}
            return mtl_keras.MultiTaskModel(inputs, outputs, tasks=tasks)

    zoo.register("shapes", Shapes, card)
    ```

    Attributes:
        data: Dict from data name to `"package.module:Builder"`, a builder of
            TensorFlow Datasets.
        kinds: Dict from task name to its kind, such as `"box"`; see
            `mtl_keras.Task`. The order is that of the tasks.
        classes: Dict from data name to a dict from task name to class names.
        reads: String, what the model reads: `"image"`, `"text"`, `"table"`,
            `"audio"` or `"clip"`. Without it, the model cannot use folders of
            own data.
        separators: String, of an entry that reads text, the characters that
            separate words, beside white space. Defaults to those of
            `mtl_keras.data.SentencePreprocessor`.
        folder_classes: Dict from task name to class names that hold for each
            folder of own data.
        check_example: Method that raises `Damage` for an `Example` of such a
            folder (see `zoo.datasets.folders.records`), or `None`.
        answers: Dict from task name to what its output says, for the card,
            such as `"whether the income is above 50,000 dollars"`. Defaults
            to a text of the kind's.
        summary: String for the card. Defaults to the first line of the class's
            docstring.
        published: List of dicts for the card, metrics that others published.
        notes: Tuple of strings for the card, such as what was tried and how
            the data were divided.
        search_dropout: Float, the largest dropout that `search` tries.
            Without it, nothing of the entry is searched.
        search_values: Dict from an override to the values that `search` tries
            with `"full"`, beside the default.
    """

    data: Mapping[str, str] = MappingProxyType({})
    kinds: Mapping[str, str] = MappingProxyType({})
    classes: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    reads: str | None = None
    separators: str | None = None
    folder_classes: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    check_example: Callable | None = None
    answers: Mapping[str, str] = MappingProxyType({})
    summary: str = ""
    published: tuple | list = ()
    notes: tuple[str, ...] = ()
    search_dropout: float | None = None
    search_values: Mapping[str, Iterable] = MappingProxyType({})

    def spec(self, data: str, tasks: Iterable[str] | None = None) -> Spec:
        """Chooses data and tasks.

        Args:
            data: String, a key of `self.data`.
            tasks: String or strings, names of tasks. Defaults to all.

        Returns:
            `Spec` with the classes of the data.

        Raises:
            ValueError: If a name is unknown, or no task is named.
        """
        if data not in self.data:
            raise ValueError(unknown("data", data, self.data))
        names = self.task_names(tasks)
        classes = self.classes.get(data, {})
        return Spec(
            data,
            names,
            {n: tuple(classes[n]) for n in names if n in classes},
            self.assets(data),
        )

    def task_names(self, tasks: Iterable[str] | None = None) -> tuple[str, ...]:
        """Checks names of tasks.

        Args:
            tasks: String or strings, names of tasks. Defaults to all.

        Returns:
            Tuple of strings.

        Raises:
            ValueError: If a name is unknown, or no task is named.
        """
        names = tuple(self.kinds) if tasks is None else tasks
        names = (names,) if isinstance(names, str) else tuple(names)
        if not names:
            raise ValueError(
                f"`tasks` must name at least one of {listed(self.kinds)}. "
                f"Received: tasks={tasks!r}"
            )
        for name in names:
            if name not in self.kinds:
                raise ValueError(unknown("task", name, self.kinds, tasks))
        return names

    def assets(self, data: str) -> dict:
        """Returns what the models of a data set know of its examples.

        Args:
            data: String, a key of `self.data`.

        Returns:
            Dict of JSON values, such as `{"words": [...]}`, for `spec.assets`.
        """
        del data
        return {}

    def learn_assets(self, examples: Iterable) -> dict:
        """Reads from a folder's training examples what `assets` returns.

        Args:
            examples: Iterable of `zoo.datasets.folders.Example`, which reads
                the folder when it is iterated.

        Returns:
            Dict of JSON values.
        """
        del examples
        return {}

    def tasks(self, spec: Spec) -> tuple:
        """Makes the tasks of a model.

        Args:
            spec: `Spec`.

        Returns:
            Tuple of `mtl_keras.Task` in the order of `spec.tasks`.
        """
        return tuple(self.task(name, spec) for name in spec.tasks)

    def task(self, name: str, spec: Spec):
        """Makes one task, with the loss and the metrics of its kind.

        Args:
            name: String, one of `spec.tasks`.
            spec: `Spec`.

        Returns:
            `mtl_keras.Task`.
        """
        # Imports a backend, which listing the zoo must not do.
        from mtl_keras import Task

        return Task(
            name, self.kinds[name], class_names=spec.classes.get(name, ())
        )

    def build(self, spec: Spec):
        """Builds the model; its keyword-only arguments are the overrides.

        Args:
            spec: `Spec`.

        Returns:
            `mtl_keras.MultiTaskModel`, not compiled.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define `build(self, spec)`, which "
            "returns an mtl_keras.MultiTaskModel."
        )

    def countable(self, spec: Spec):
        """Builds the model whose multiply-accumulates the card states.

        Overridden where `build` has inputs of any size or loops, whose
        operations cannot be counted.

        Args:
            spec: `Spec`.

        Returns:
            `mtl_keras.MultiTaskModel` with inputs of known size.
        """
        return self.build(spec)

    def preprocessor(self, spec: Spec):
        """Makes the graph from a raw input to the model's inputs.

        Args:
            spec: `Spec`.

        Returns:
            One of `mtl_keras.data`, or `None`: the inputs are dense already.
        """
        del spec

    def postprocessor(self, spec: Spec):
        """Makes the graph from the model's outputs to names and places.

        Args:
            spec: `Spec`.

        Returns:
            One of `mtl_keras.data`, or `None`.
        """
        del spec

    def example(self, spec: Spec) -> Callable:
        """Makes the function that splits a data set's example.

        By default features named after a task are labels, all others inputs.

        Args:
            spec: `Spec`.

        Returns:
            Function of a dict of tensors that returns `(inputs, labels)`.
        """
        del spec

        def split(element):
            inputs = {k: v for k, v in element.items() if k not in self.kinds}
            labels = {k: v for k, v in element.items() if k in self.kinds}
            return inputs, labels

        return split

    def augmentation(self, spec: Spec) -> Callable | None:
        """Makes the random changes of training examples.

        Args:
            spec: `Spec`.

        Returns:
            Function of a batch's `(inputs, labels, seed)`, or `None`.
        """
        del spec

    def batching(self, spec: Spec) -> dict:
        """Says how examples become batches.

        Args:
            spec: `Spec`.

        Returns:
            Dict of arguments of `mtl_keras.data.pipeline`, such as
            `bucket_lengths` for sequences.
        """
        del spec
        return {}

    def search(self, hp, space: str, defaults: dict) -> dict:
        """Chooses the overrides that a search tries; see `zoo.hypermodel`.

        Dropout up to `search_dropout`, and with `"full"` also
        `search_values`. A trunk that is not among the values of `"trunk"`,
        such as a pretrained one, is searched by dropout alone.

        Args:
            hp: `keras_tuner.HyperParameters`.
            space: String: `"small"`, what makes no step slower, or `"full"`.
            defaults: Dict from each override to its value in the recipe, else
                in `build`.

        Returns:
            Dict of overrides.
        """
        if self.search_dropout is None:
            return {}
        dropout = float(defaults["dropout"])
        largest = max(self.search_dropout, dropout)
        overrides = {
            "dropout": hp.Float("dropout", 0.0, largest, default=dropout)
        }
        trunks = self.search_values.get("trunk")
        if space == "small" or (trunks and defaults["trunk"] not in trunks):
            return overrides
        for name, values in self.search_values.items():
            default = defaults[name]
            if default not in values:
                values = sorted((*values, default))
            overrides[name] = hp.Choice(name, list(values), default=default)
        return overrides

    def overrides(self) -> dict:
        """Lists what a user may change.

        Returns:
            Dict from the name of an override to its default.
        """
        return _keywords(self.build)

    def refuse_changed(self, what: str, **overrides) -> None:
        """Raises where an override was changed that would have no effect.

        Args:
            what: String, what it would have no effect on, such as
                `"the trunk 'minilm'"`.
            **overrides: The values by name.

        Raises:
            ValueError: If one is not its default.
        """
        defaults = self.overrides()
        for name, value in overrides.items():
            if value != defaults[name]:
                raise ValueError(
                    f"`{name}` has no effect on {what}. Expected it to be left "
                    f"out. Received: {name}={value!r}"
                )

    def call(self, part: str, spec: Spec, overrides: Mapping):
        """Calls a method with those overrides that it names.

        Args:
            part: String, the method's name, such as `"preprocessor"`.
            spec: `Spec`.
            overrides: Dict of overrides.

        Returns:
            What the method returns.

        Raises:
            ValueError: If an argument is out of range.
        """
        method = getattr(self, part)
        names = _keywords(method)
        return method(
            spec, **{k: v for k, v in overrides.items() if k in names}
        )


def _keywords(method) -> dict:
    """Reads a method's keyword-only arguments and their defaults."""
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
