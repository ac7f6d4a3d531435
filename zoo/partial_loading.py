"""Loads the part of trained weights that fits a model of other classes."""

import collections
import dataclasses
import logging

from mtl_keras import compat
from mtl_keras.messages import listed
from mtl_keras.transfer import layer_names

_LOGGER = logging.getLogger("zoo")


@dataclasses.dataclass(frozen=True)
class LoadingReport:
    """What was loaded into a model and what was not; prints as a page.

    Attributes:
        weights: String, the name or file of the weights.
        loaded: Tuple of strings, the paths of the variables that were loaded.
        new: Tuple of strings, the paths of the variables that are new.
        unused: Tuple of strings, the paths of the weights' variables that the
            model does not have.
        heads: Dict of task name to string: `"loaded"`, or why the head is
            new.
    """

    weights: str
    loaded: tuple[str, ...]
    new: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    heads: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every variable of the model was loaded."""
        return not self.new

    def __str__(self) -> str:
        lines = [
            f"Weights {self.weights}: {len(self.loaded)} variables loaded, "
            f"{len(self.new)} new, {len(self.unused)} not used"
        ]
        width = max(map(len, self.heads), default=0)
        for task, state in self.heads.items():
            lines.append(f"  head {task.ljust(width)}  {state}")
        for title, paths in (("new", self.new), ("not used", self.unused)):
            if paths:
                lines.append(f"  {title}: {', '.join(paths)}")
        return "\n".join(lines)


def whole(model, weights: str) -> LoadingReport:
    """Reports that all of a model was loaded.

    Args:
        model: `MultiTaskModel`.
        weights: String, the name or file of the weights.

    Returns:
        `LoadingReport`.
    """
    paths = tuple(variable.path for variable in model.weights)
    return LoadingReport(
        weights, paths, heads=dict.fromkeys(model.tasks, "loaded")
    )


def tasks_read_by(model) -> dict[str, tuple[str, ...]]:
    """Finds the tasks whose outputs each task's head reads.

    Args:
        model: `MultiTaskModel` of a flat dict of outputs.

    Returns:
        Dict of task name to tuple of task names; those that are read by way
        of another are included.
    """
    direct = {task: reads for task, (_, reads) in _heads(model).items()}

    def all_of(task):
        names = dict.fromkeys(sorted(direct[task]))
        for name in sorted(direct[task]):
            names.update(dict.fromkeys(all_of(name)))
        return tuple(names)

    return {task: all_of(task) for task in direct}


def transfer(old, new, weights: str, log=_LOGGER) -> LoadingReport:
    """Copies the variables of a trained model into one of other classes.

    A head is copied if its task has the same classes in the same order, and
    if those that it reads are copied. Of all other layers, those with the
    same name (of automatic names, the same place among them) and shapes are.

    Args:
        old: `MultiTaskModel` that holds the weights.
        new: `MultiTaskModel` of the same entry and overrides.
        weights: String, the name or file of the weights, for the report.
        log: Logger that the report is written to.

    Returns:
        `LoadingReport`.
    """
    reads, owners = tasks_read_by(new), {**_owners(old), **_owners(new)}
    states = {task: _state(task, old.tasks, new.tasks) for task in new.tasks}
    source, target = _layers(old), _layers(new)
    fitting = {
        key
        for key, layer in target.items()
        if key in source and _shapes(source[key]) == _shapes(layer)
    }
    _mark_readers(states, reads)
    # A head that cannot be copied whole is not copied at all.
    for key, layer in target.items():
        owner = owners.get(layer.name)
        if key not in fitting and states.get(owner) == "loaded":
            states[owner] = "new: it reads other features"
    _mark_readers(states, reads)
    loaded, copied, used = [], set(), set()
    for key, layer in target.items():
        state = states.get(owners.get(layer.name), "loaded")
        if key not in fitting or state != "loaded":
            continue
        for variable, receiver in zip(
            source[key].weights, layer.weights, strict=True
        ):
            receiver.assign(variable)
            loaded.append(receiver.path)
            copied.add(id(receiver))
            used.add(id(variable))
    report = LoadingReport(
        weights,
        tuple(loaded),
        tuple(v.path for v in new.weights if id(v) not in copied),
        tuple(v.path for v in old.weights if id(v) not in used),
        states,
    )
    log.info("%s", report)
    return report


def _state(task, old, new) -> str:
    if task not in old:
        return "new: the weights have no such task"
    if old[task].class_names != new[task].class_names:
        return (
            f"new: {len(new[task].class_names)} classes, the weights' "
            f"{len(old[task].class_names)} differ"
        )
    return "loaded"


def _mark_readers(states, reads) -> None:
    """Marks the heads that read a new one as new."""
    for task, others in reads.items():
        changed = [t for t in others if states.get(t, "loaded") != "loaded"]
        if changed and states[task] == "loaded":
            states[task] = f"new: it reads the head of {listed(changed)}"


def _heads(model) -> dict:
    """Finds, for each task, the layers behind its output and what it reads.

    The search ends at the outputs of other tasks, so that a head which reads
    another one does not own it.

    Returns:
        Dict of task name to a pair: a set of layers' names, and a set of the
        names of tasks.
    """
    outputs = {id(model.output[task]): task for task in model.tasks}
    nodes = compat.ordered_nodes(model)
    heads = {}
    for tensor, task in outputs.items():
        needed, names, reads = {tensor}, set(), set()
        for node in reversed(nodes):
            if not needed.intersection(map(id, node.outputs)):
                continue
            names.add(node.operation.name)
            for read in map(id, node.input_tensors):
                if read in outputs and read != tensor:
                    reads.add(outputs[read])
                else:
                    needed.add(read)
        heads[task] = names, reads
    return heads


def _owners(model) -> dict[str, str]:
    """Maps the name of each layer that one head alone has to its task.

    A model of one task has no trunk that could be told from its head: there,
    layers named after the task are its head's, as `Head.build` names them.
    """
    heads = _heads(model)
    if len(heads) == 1:
        (task,) = heads
        return {
            layer.name: task
            for layer in model.layers
            if layer.name == task or layer.name.startswith(f"{task}_")
        }
    counts = collections.Counter(
        name for names, _ in heads.values() for name in names
    )
    return {
        name: task
        for task, (names, _) in heads.items()
        for name in names
        if counts[name] == 1
    }


def _layers(model) -> dict:
    """Maps a key that another build of the model has too to each layer."""
    layers, numbers, owners = {}, collections.Counter(), _owners(model)
    for layer in model.layers:
        if not layer.weights:
            continue
        key = layer.name
        if layer_names.is_automatic(layer):
            kind = owners.get(layer.name), type(layer).__name__
            numbers[kind] += 1
            key = (*kind, numbers[kind])
        layers[key] = layer
    return layers


def _shapes(layer) -> list:
    return [tuple(variable.shape) for variable in layer.weights]
