"""The members of an ensemble, and what they say about each task."""

import dataclasses

import keras

from mtl_keras import finite
from mtl_keras.ensemble import forms, nesting
from mtl_keras.messages import listed, unknown
from mtl_keras.model.model import MultiTaskModel
from mtl_keras.task import Task


@dataclasses.dataclass(frozen=True)
class Column:
    """What the members say about one task.

    Attributes:
        task: `Task` of the ensemble's output.
        forms: Tuple of `forms.Form`, one a member, all of one kind.
        tensors: Tuple of Keras tensors, one a member.
    """

    task: Task
    forms: tuple
    tensors: tuple

    @property
    def kind(self) -> str:
        """What the outputs hold, as of `forms.Form`."""
        return self.forms[0].kind

    @property
    def from_logits(self) -> list[bool]:
        """Whether each member's output holds logits."""
        return [form.from_logits for form in self.forms]


def check(members, what: str, *, least: int = 2) -> list:
    """Checks that members are trained models of one package.

    Args:
        members: Sequence of `MultiTaskModel`.
        what: String for the errors: `"An average"`.
        least: Integer, the smallest number of members.

    Returns:
        List of models.

    Raises:
        ValueError: If there are too few, one is of another type, two are the
            same object, or weights are not finite.
    """
    if isinstance(members, keras.Model) or not hasattr(members, "__iter__"):
        raise ValueError(
            f"{what} needs a sequence of MultiTaskModel. Received: "
            f"{type(members).__name__}"
        )
    members = list(members)
    for number, member in enumerate(members):
        if not isinstance(member, MultiTaskModel):
            raise ValueError(
                f"{what} needs members of type MultiTaskModel. Received: "
                f"member {number} of type {type(member).__name__}"
            )
    if len(members) < least:
        raise ValueError(
            f"{what} needs at least {least} members. Received: {len(members)}"
        )
    for number, member in enumerate(members):
        if any(member is earlier for earlier in members[:number]):
            raise ValueError(
                f"{what} needs different models. Received: member {number} "
                "twice. Did `fit` return the same model again? Build a new "
                "model for each member."
            )
        finite.check_model(member, f"{what}, member {number},")
    return members


def task_names(members, tasks=None) -> list[str]:
    """Finds the tasks of an ensemble, which every member must have.

    Args:
        members: List of `MultiTaskModel`.
        tasks: Sequence of strings, or `None` for all.

    Returns:
        Sorted list of strings.

    Raises:
        ValueError: If a task is unknown or a member lacks it.
    """
    known = sorted({name for member in members for name in member.tasks})
    if isinstance(tasks, str):
        tasks = [tasks]
    if tasks is not None and not isinstance(tasks, list | tuple | set):
        raise ValueError(
            "`tasks` must be a sequence of task names, such as "
            f"{listed(known[:2])}. Received: tasks={tasks!r}"
        )
    names = known if tasks is None else list(dict.fromkeys(tasks))
    if not names:
        raise ValueError("`tasks` must name a task. Received: none")
    for name in names:
        if name not in known:
            raise ValueError(unknown("task in `tasks`", name, known, names))
        lacking = [i for i, m in enumerate(members) if name not in m.tasks]
        if lacking:
            common = [n for n in known if all(n in m.tasks for m in members)]
            raise ValueError(
                f"Every member needs the task {name!r}. Received: member "
                f"{lacking[0]} with {listed(members[lacking[0]].tasks)}. "
                f"Pass tasks=[...] with tasks of all members: {listed(common)}."
            )
    return sorted(names)


def check_same_task(name: str, members) -> tuple:
    """Checks that a task means the same in all members.

    Args:
        name: String, the task.
        members: List of `MultiTaskModel`.

    Returns:
        Tuple of `forms.Form`, one a member.

    Raises:
        ValueError: If kinds, classes, names of a group or shapes differ.
    """
    read = tuple(forms.form_of(member, name) for member in members)
    first = _facts(members[0], name, read[0])
    for number, member in enumerate(members[1:], 1):
        facts = _facts(member, name, read[number])
        for what, value in facts.items():
            if value != first[what]:
                raise ValueError(
                    f"Task {name!r} must have the same {what} in all members. "
                    f"Received: {first[what]!r} in member 0, {value!r} in "
                    f"member {number}"
                )
    return read


def _facts(model, name, form) -> dict:
    task = model.tasks[name]
    return {
        "kind": task.kind,
        "form of output": form.kind,
        "class names": task.class_names,
        "names of a group": task.names,
        "output shape": tuple(model.output[name].shape),
        "intervals": getattr(forms.loss_of(model, name), "edges", None),
    }


def task_of(model, name: str) -> Task:
    """Returns a task with the loss that its output was trained by.

    Args:
        model: `MultiTaskModel`.
        name: String, a task of the model.

    Returns:
        `Task`; an ensemble that is compiled without arguments reads its
        outputs, which may be logits, by the right loss.
    """
    task, loss = model.tasks[name], forms.loss_of(model, name)
    if task.loss is None and loss is not None and model.compiled:
        return dataclasses.replace(task, loss=loss)
    return task


def check_same_inputs(members) -> None:
    """Checks that all members read the same inputs.

    Args:
        members: List of `MultiTaskModel`.

    Raises:
        ValueError: If the names of inputs differ.
    """
    all_names = [sorted(names) for names in nesting.input_names(members)]
    for number, names in enumerate(all_names):
        if names != all_names[0]:
            raise ValueError(
                "All members must read the same inputs. Received: "
                f"{listed(all_names[0])} in member 0, {listed(names)} in "
                f"member {number}. Name the keras.Input of both alike."
            )


def columns(members, outputs, names) -> list[Column]:
    """Collects what the members say about each task.

    Args:
        members: List of `MultiTaskModel`.
        outputs: List of dicts, as of `nested`.
        names: List of strings, tasks that all members have.

    Returns:
        List of `Column`.

    Raises:
        ValueError: If a task differs between members.
    """
    return [
        Column(
            task_of(members[0], name),
            check_same_task(name, members),
            tuple(output[name] for output in outputs),
        )
        for name in names
    ]
