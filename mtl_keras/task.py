"""Declares one task of a multi-task model."""

import dataclasses
import numbers
import re

from mtl_keras.groups import members
from mtl_keras.labels import LabelSpec
from mtl_keras.messages import did_you_mean, listed

_LEGAL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True)
class Task:
    """One task: its name, kind of output, loss, metrics and label.

    Example:
    ```python
    Task("cls", "classification", class_names=("apple", "banana", "orange"))
    Task("det", "presence")
    Task("box", "box", loss="giou")
    Task("assays", "presence", names=("NR-AR", "NR-ER", "SR-p53"))
    ```

    Args:
        name: String, the key of the model's output and of the label. A letter,
            then letters, digits and underscores.
        kind: String, the kind of output, one of `heads.list_kinds()`
            (`"classification"`, `"presence"`, `"box"`, `"detection"`,
            `"count"`, `"mask"`, `"depth"`, `"normals"`, `"regression"`,
            `"survival"`, `"tagging"`), or `None` for any other output, which
            then needs `loss`.
        loss: Loss name, `keras.losses.Loss` or function. Defaults to the
            kind's.
        metrics: Sequence of metric names or objects. Defaults to the kind's.
        num_classes: Integer, for classification. Defaults to
            `len(class_names)`.
        class_names: Sequence of strings, the names of class 0, 1, ...
        label: `LabelSpec`, the label's shape, type, range and missing marker.
            Defaults to the kind's.
        names: Sequence of strings: the task is a group of tasks of one kind,
            its members, each a column of one output of shape
            `(batch, len(names))`, or `(batch, len(names), num_classes)`, and
            of one array of labels of shape `(batch, len(names))`. Loss,
            metrics and label are those of each member. Defaults to `()`, one
            task.
        log_members: Boolean, whether the logs of a group show each member
            beside the summary.

    Raises:
        ValueError: If the name is not legal, the kind is unknown or cannot be
            grouped, a classification has no classes, the names disagree with
            the number, or a member's name repeats.
    """

    name: str
    kind: str | None = None
    loss: object = None
    metrics: tuple | None = None
    num_classes: int | None = None
    class_names: tuple[str, ...] = ()
    label: LabelSpec | None = None
    names: tuple[str, ...] = ()
    log_members: bool = False

    def __post_init__(self):
        if not isinstance(self.name, str) or not _LEGAL_NAME.fullmatch(
            self.name
        ):
            raise ValueError(
                "A task's name must be a letter followed by letters, digits "
                f"or underscores. Received: name={self.name!r}"
            )
        if self.metrics is not None:
            if not isinstance(self.metrics, list | tuple):
                raise ValueError(
                    f"Task {self.name!r}: `metrics` must be a sequence. "
                    f"Received: metrics={self.metrics!r}. "
                    f"Write metrics=[{self.metrics!r}]."
                )
            object.__setattr__(self, "metrics", tuple(self.metrics))
        if isinstance(self.label, dict):
            object.__setattr__(self, "label", LabelSpec(**self.label))
        if not isinstance(self.label, LabelSpec | None):
            raise ValueError(
                f"Task {self.name!r}: `label` must be a mtl_keras.LabelSpec. "
                f"Received: label={self.label!r}"
            )
        self._check_classes()
        members.check_members(self)
        self._complete()
        object.__setattr__(self, "label", members.label_of_columns(self))

    def _check_classes(self):
        names = self.class_names
        if not isinstance(names, list | tuple) or not all(
            isinstance(name, str) for name in names
        ):
            raise ValueError(
                f"Task {self.name!r}: `class_names` must be a sequence of "
                f"strings. Received: class_names={names!r}"
            )
        if len(set(names)) < len(names):
            raise ValueError(
                f"Task {self.name!r}: a name appears twice in `class_names`. "
                f"Received: class_names={names!r}"
            )
        object.__setattr__(self, "class_names", tuple(names))
        if isinstance(self.num_classes, numbers.Integral):
            # JSON does not accept NumPy's integers.
            object.__setattr__(self, "num_classes", int(self.num_classes))
        if not names:
            return
        if self.num_classes is None:
            object.__setattr__(self, "num_classes", len(self.class_names))
        if self.num_classes != len(self.class_names):
            raise ValueError(
                f"Task {self.name!r}: `num_classes` and `class_names` "
                f"disagree. Received: num_classes={self.num_classes}, "
                f"{len(self.class_names)} names"
            )

    def _complete(self):
        from mtl_keras import heads

        if self.kind is None:
            if self.label is None:
                object.__setattr__(self, "label", LabelSpec())
            return
        kinds = heads.list_kinds()
        if self.kind not in kinds:
            raise ValueError(
                f"Task {self.name!r} has an unknown kind. Expected one of "
                f"{listed(kinds)}, or None for any other output."
                f"{did_you_mean(self.kind, kinds)} "
                f"Received: kind={self.kind!r}"
            )
        self.head.check(self)
        if self.label is None:
            object.__setattr__(self, "label", self.head.label_spec(self))

    @property
    def is_group(self) -> bool:
        """Whether the task is a group of tasks, one for each column."""
        return bool(self.names)

    @property
    def members(self) -> tuple[str, ...]:
        """The names of the tasks that this one stands for."""
        return self.names or (self.name,)

    @property
    def head(self):
        """The `Head` of this kind of output; `None` without a kind."""
        from mtl_keras import heads

        return None if self.kind is None else heads.get(self.kind)

    def default_loss(self):
        """Returns this task's loss object, or `None` if it has none."""
        from mtl_keras import losses

        if self.loss is not None:
            return losses.get(self.loss)
        return None if self.head is None else self.head.default_loss(self)

    def default_metrics(self) -> list:
        """Returns new metric objects for this task."""
        from mtl_keras import metrics

        if self.metrics is not None:
            return [metrics.get(metric) for metric in self.metrics]
        return [] if self.head is None else self.head.default_metrics(self)

    def get_config(self) -> dict:
        """Returns the task as data that `keras.saving` can store."""
        from mtl_keras import compat

        save = compat.serialized
        config = {
            "name": self.name,
            "kind": self.kind,
            "loss": save(self.loss),
            "metrics": (
                None
                if self.metrics is None
                else [save(metric) for metric in self.metrics]
            ),
            "num_classes": self.num_classes,
            "class_names": list(self.class_names),
            "label": self.label.get_config(),
        }
        if self.is_group:
            config["names"] = list(self.names)
            config["log_members"] = self.log_members
        return config

    @classmethod
    def from_config(cls, config: dict) -> "Task":
        """Creates a task from the result of `get_config`."""
        import keras

        load = keras.saving.deserialize_keras_object
        config = dict(config)
        config["loss"] = load(config.get("loss"))
        if config.get("metrics") is not None:
            config["metrics"] = [load(metric) for metric in config["metrics"]]
        return cls(**config)
