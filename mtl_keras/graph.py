"""Finds what the tasks of a functional model share, and what each owns."""

import dataclasses
import math
import warnings

import keras

from mtl_keras import compat
from mtl_keras.calls import Call, CallGraph
from mtl_keras.groups import columns
from mtl_keras.groups.columns import Columns
from mtl_keras.messages import listed


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """The trunk, or the head of one task: calls in the order they run.

    Args:
        calls: Tuple of `Call`.
        reads: Tuple of integers, the slots of its inputs.
        writes: Tuple of integers, the slots of its results.
    """

    calls: tuple[Call, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]

    def run(self, values: dict, *, training: bool) -> list:
        """Runs the part through the model's own layers.

        Args:
            values: Dict, slot to tensor, with all of `reads`; changed.
            training: Bool.

        Returns:
            List of tensors, those of `writes`.
        """
        for call in self.calls:
            call.run(values, training=training)
        return [values[slot] for slot in self.writes]

    @property
    def weights(self) -> list:
        """The variables of the part's operations, each once."""
        by_identity = {}
        for call in self.calls:
            by_identity.update((id(w), w) for w in call.weights)
        return list(by_identity.values())

    @property
    def trainable_variables(self) -> list:
        """The trainable ones among `weights`."""
        by_identity = {}
        for call in self.calls:
            variables = getattr(call.operation, "trainable_variables", ())
            by_identity.update((id(v), v) for v in variables)
        return list(by_identity.values())


@dataclasses.dataclass(frozen=True, eq=False)
class Partition:
    """A model taken apart into a trunk and one head for each task.

    Running the trunk and then the heads gives the model's outputs. Nothing of
    the model is changed and no new `keras.Model` is made.

    Args:
        tasks: Tuple of strings, sorted.
        trunk: `Part`, all that reaches two or more tasks, by variables: what
            leads to a layer that two heads call is trunk as well.
        heads: Dict, task name to `Part`.
        frontier: Tuple of integers, the slots where heads read the trunk.
        live: Tuple of integers, those of the frontier that depend on a
            trainable variable of the trunk; a gradient flows back there only.
        tensors: Dict, slot to the Keras tensor of the graph.
        opaque: Tuple of strings, subclassed models that could not be opened.
        opened: Tuple of strings, nested models whose graph is a part of this
            one, such as a backbone that is called as one layer.
        columns: Dict, group to its `Columns`: the head of a group is what its
            members have alone, and what they share belongs to the trunk. A
            group whose columns cannot be told apart is missing; it counts as
            one task.
    """

    tasks: tuple[str, ...]
    trunk: Part
    heads: dict[str, Part]
    frontier: tuple[int, ...]
    live: tuple[int, ...]
    tensors: dict[int, object]
    opaque: tuple[str, ...]
    opened: tuple[str, ...] = ()
    columns: dict[str, Columns] = dataclasses.field(default_factory=dict)

    @property
    def shared_variables(self) -> list:
        """The trunk's variables."""
        return self.trunk.weights

    @property
    def task_variables(self) -> dict[str, list]:
        """Each task's own variables."""
        return {name: head.weights for name, head in self.heads.items()}

    def readers(self, slot: int) -> list[str]:
        """Lists the tasks whose heads read a slot."""
        return [name for name in self.tasks if slot in self.heads[name].reads]

    def run(self, inputs: list, *, training: bool = False) -> dict:
        """Runs the trunk, then each head.

        Args:
            inputs: List of tensors in the order of the flattened inputs.
            training: Bool.

        Returns:
            Dict, task name to output tensor.
        """
        values = dict(zip(self.trunk.reads, inputs, strict=True))
        self.trunk.run(values, training=training)
        return {
            name: head.run(dict(values), training=training)[0]
            for name, head in self.heads.items()
        }


def partition(model) -> Partition:
    """Finds the trunk, the heads and the frontier between them.

    A variable that reaches two or more outputs is shared; one that reaches
    one is that task's own. Sharing is closed over variables: a layer called
    in two heads is shared, and so is all that leads to it. The members of a
    group share all that leads to its last dense layer.

    Args:
        model: Functional model whose outputs are a flat dict of task name to
            tensor.

    Returns:
        `Partition`.

    Raises:
        ValueError: If the model is not functional or its outputs are no flat
            dict.
    """
    names = _task_names(model)
    graph = CallGraph(model)
    grouped = _columns_of_groups(model, graph, names)
    reaching = _tasks_reached(graph, names, grouped)
    shared = _shared_calls(graph.calls, reaching, graph.producer)
    trunk = [call for call in graph.calls if call in shared]
    in_trunk = {slot for call in trunk for slot in call.writes}
    in_trunk.update(graph.inputs)
    heads = {}
    for name, output in zip(names, graph.outputs, strict=True):
        calls = [
            call
            for call in graph.calls
            if call not in shared and name in reaching[call]
        ]
        read = [slot for call in calls for slot in call.reads]
        reads = tuple(
            dict.fromkeys(s for s in [*read, output] if s in in_trunk)
        )
        heads[name] = Part(tuple(calls), reads, (output,))
    frontier = tuple(dict.fromkeys(s for h in heads.values() for s in h.reads))
    alive = _live_slots(trunk)
    return Partition(
        tasks=tuple(names),
        trunk=Part(tuple(trunk), tuple(graph.inputs), frontier),
        heads=heads,
        frontier=frontier,
        live=tuple(slot for slot in frontier if slot in alive),
        tensors=graph.tensors,
        opaque=tuple(dict.fromkeys(graph.opaque)),
        opened=tuple(dict.fromkeys(graph.opened)),
        columns={
            name: one
            for name, one in grouped.items()
            # A head that another output reads is a part of the trunk.
            if not shared.intersection(one.calls)
        },
    )


def describe(model) -> str:
    """Describes what the tasks of a model share.

    Args:
        model: Functional model, as for `partition`.

    Returns:
        String of several lines: the trunk, the frontier with its readers,
        each task's own part, and what could not be opened.
    """
    parts = partition(model)
    trunk = parts.trunk
    lines = [f"trunk: {_size(trunk.weights)}, {_operations(trunk)}"]
    for slot in parts.frontier:
        tensor = parts.tensors[slot]
        fixed = "" if slot in parts.live else ", no gradient flows back"
        lines.append(
            f"  frontier {tensor.name} {_shape(tensor)} read by "
            f"{', '.join(parts.readers(slot))}{fixed}"
        )
    for name, head in parts.heads.items():
        lines.append(f"head {name}: {_size(head.weights)}, {_operations(head)}")
    if len(parts.tasks) > 1 and not parts.trunk.trainable_variables:
        lines.append(
            "The tasks share no trainable variable: they train independently."
        )
    for name in parts.opened:
        lines.append(f"{name} is a nested model; its layers are listed above.")
    for name in parts.opaque:
        lines.append(
            f"{name} is a subclassed model; it counts as one operation."
        )
    for layer, inner in _held_models(parts):
        layers = [each.name for each in inner.layers if each.weights]
        lines.append(
            f"{layer} runs the model {inner.name}: {_size(inner.weights)}, "
            f"{_abridged(layers)}; it counts as one operation."
        )
    return "\n".join(lines)


def trunk_calls(parts: Partition) -> tuple[Call, ...]:
    """Lists the calls before the heads, in the order they run.

    A model of one task shares nothing. Its head are the layers named after
    the task, as `Head.build` names them, or else the last layer with weights;
    all before is its trunk.

    Args:
        parts: The model's `Partition`.

    Returns:
        Tuple of `Call`.
    """
    if len(parts.tasks) > 1 or parts.trunk.weights:
        return parts.trunk.calls
    (task,) = parts.tasks
    calls = parts.heads[task].calls
    of_head = {
        call
        for call in calls
        if call.operation.name == task
        or call.operation.name.startswith(f"{task}_")
    }
    if not any(call.weights for call in of_head):
        of_head.update([call for call in calls if call.weights][-1:])
    return tuple(call for call in calls if call not in of_head)


def warn_if_nothing_shared(parts: Partition) -> None:
    """Warns if a model of several tasks has no shared variable.

    Args:
        parts: The model's `Partition`.
    """
    if len(parts.tasks) > 1 and not parts.shared_variables:
        warnings.warn(
            f"The tasks {listed(parts.tasks)} share no variable: each trains "
            "a network of its own, and a balancer has no conflict to solve. "
            "Build the heads on a common trunk; "
            "mtl_keras.graph.describe(model) shows what is shared.",
            UserWarning,
            # The line that calls `compile`.
            stacklevel=4,
        )


def _task_names(model) -> list[str]:
    outputs = getattr(model, "output", None)
    if not compat.is_functional(model):
        raise ValueError(
            "`partition` reads the graph of a functional model. Received: "
            f"{type(model).__name__}, whose `call` is Python code."
        )
    if not isinstance(outputs, dict) or any(
        not hasattr(tensor, "shape") for tensor in outputs.values()
    ):
        raise ValueError(
            "`partition` needs a model whose outputs are a flat dict of task "
            f"name to tensor. Received: outputs of type "
            f"{type(outputs).__name__}"
        )
    return sorted(outputs)


def _columns_of_groups(model, graph, names) -> dict:
    tasks = getattr(model, "tasks", None)
    if not isinstance(tasks, dict):
        return {}
    by_group = {
        name: columns.find(tasks[name], output, graph.producer, graph.tensors)
        for name, output in zip(names, graph.outputs, strict=True)
        if name in tasks and len(getattr(tasks[name], "names", ())) > 1
    }
    return {name: one for name, one in by_group.items() if one is not None}


def _tasks_reached(graph, names, columns) -> dict:
    """Returns, for each call, the names of the tasks it leads to."""
    reached = {call: set() for call in graph.calls}
    for name, output in zip(names, graph.outputs, strict=True):
        own = columns[name].calls if name in columns else ()
        for call in _leading_to([output], graph.producer):
            reached[call].add(name)
            if own and call not in own:
                # It leads to several tasks, the members.
                reached[call].add((name, "members"))
    return reached


def _leading_to(slots, producer) -> set:
    calls, waiting = set(), list(slots)
    while waiting:
        call = producer.get(waiting.pop())
        if call is not None and call not in calls:
            calls.add(call)
            waiting.extend(call.reads)
    return calls


def _shared_calls(calls, reaching, producer) -> set:
    trunk = {call for call in calls if len(reaching[call]) > 1}
    while True:
        tasks_of = {}
        for call in calls:
            for weight in call.weights:
                tasks_of.setdefault(id(weight), set()).update(reaching[call])
        shared = {key for key, tasks in tasks_of.items() if len(tasks) > 1}
        # Calls that lead to a shared layer are in the trunk now; every other
        # call of their layers must follow.
        shared |= {id(w) for call in trunk for w in call.weights}
        follows = {
            call
            for call in calls
            if call not in trunk
            and reaching[call]
            and any(id(w) in shared for w in call.weights)
        }
        if not follows:
            return trunk
        reads = [slot for call in follows for slot in call.reads]
        trunk |= follows | _leading_to(reads, producer)


def _live_slots(trunk) -> set:
    alive = set()
    for call in trunk:
        is_trained = bool(getattr(call.operation, "trainable_variables", ()))
        if is_trained or any(slot in alive for slot in call.reads):
            alive.update(call.writes)
    return alive


def _size(weights) -> str:
    count = sum(math.prod(weight.shape) for weight in weights)
    return f"{len(weights)} variables with {count:,} numbers"


def _held_models(parts) -> list:
    """Lists `(layer name, model)` of the layers that hold a model."""
    calls = [c for p in (parts.trunk, *parts.heads.values()) for c in p.calls]
    operations = {id(c.operation): c.operation for c in calls}
    held = []
    for operation in operations.values():
        if not isinstance(operation, keras.Layer):
            continue
        if isinstance(operation, keras.Model):
            continue
        inside = set()
        for layer in compat.nested_layers(operation):
            if isinstance(layer, keras.Model) and id(layer) not in inside:
                held.append((operation.name, layer))
                inside.update(map(id, compat.nested_layers(layer)))
    return held


def _operations(part) -> str:
    return _abridged(call.operation.name for call in part.calls)


def _abridged(names) -> str:
    names = list(dict.fromkeys(names))
    if len(names) > 6:
        names = [*names[:3], f"{len(names) - 5} more", *names[-2:]]
        return ", ".join(names)
    return listed(names).replace("'", "") if names else "nothing"


def _shape(tensor) -> str:
    return "x".join("?" if s is None else str(s) for s in tensor.shape)
