"""Finds the features that the heads of new tasks read."""

import dataclasses

import keras

from mtl_keras import graph as graphs
from mtl_keras.calls import CallGraph, Conversion
from mtl_keras.extract.copying import (
    GraphCopy,
    call_on,
    calls_leading_to,
    copy_state,
    layer_like,
)
from mtl_keras.messages import did_you_mean, listed, unknown


@dataclasses.dataclass(frozen=True, eq=False)
class Attachment:
    """The tensor that a new head reads, and what is rebuilt before it.

    Args:
        slot: Integer, the slot of the tensor in the source model.
        graph: `CallGraph` of the source model.
        like: String, the task whose own layers are built anew for each new
            task, or `None`.
        rebuilt: Tuple of `Call`, the calls of these layers and those behind
            them.
        own: Set of integers, the ids of the task's own operations.
        replaced: Dict, the slot of an input of the source model to the new
            input that the new tasks read in its place.
    """

    slot: int
    graph: CallGraph
    like: str | None = None
    rebuilt: tuple = ()
    own: frozenset = frozenset()
    replaced: dict = dataclasses.field(default_factory=dict)

    @property
    def slots(self) -> list[int]:
        """The slots of the source model that the new heads need."""
        if not self.rebuilt:
            return [self.slot]
        written = {slot for call in self.rebuilt for slot in call.writes}
        written.update(self.replaced)
        read = [slot for call in self.rebuilt for slot in call.reads]
        return [slot for slot in dict.fromkeys(read) if slot not in written]

    def features(self, copy: GraphCopy, task: str):
        """Builds what the head of a new task reads.

        Args:
            copy: `GraphCopy` of `slots`.
            task: String, the new task's name.

        Returns:
            Keras tensor of the copy.
        """
        values, fresh = {**copy.values, **self.replaced}, {}
        for call in self.rebuilt:
            operation = call.operation
            if id(operation) in self.own:
                if id(operation) not in fresh:
                    name = self._renamed(operation.name, task)
                    new = layer_like(
                        operation, copy.take_name(name), trainable=True
                    )
                    fresh[id(operation)] = new
                operation = fresh[id(operation)]
            elif not isinstance(operation, Conversion):
                operation = copy.copy_of(operation)
            call_on(values, call, operation)
        for call in self.rebuilt:
            # Statistics of the data are not learnt by a task.
            new = fresh.get(id(call.operation))
            if new is not None and hasattr(new, "adapt"):
                copy_state(call.operation, new)
        return values[self.slot]

    def inputs(self, copy: GraphCopy):
        """Returns the inputs of the new model, in the source's structure.

        Args:
            copy: `GraphCopy` of `slots`.
        """
        if not self.replaced:
            return copy.inputs
        new = {tensor.name: tensor for tensor in self.replaced.values()}
        if isinstance(copy.inputs, dict) or not copy.inputs:
            return {**(copy.inputs or {}), **new}
        return [*keras.tree.flatten(copy.inputs), *new.values()]

    def _renamed(self, name, task) -> str:
        if name == self.like or name.startswith(f"{self.like}_"):
            return task + name.removeprefix(self.like)
        return f"{task}_{name}"


def find(model, *, at, like: str | None, inputs: dict | None) -> Attachment:
    """Finds the features that new heads read.

    Args:
        model: Functional model with a flat dict of outputs.
        at: String or Keras layer, the layer whose output they are, or `None`.
        like: String, the task whose own layers before its output layer are
            built anew, or `None`.
        inputs: Dict, the name of an input that this task reads to a
            `keras.Input` that the new tasks read instead, or `None`.

    Returns:
        `Attachment`.

    Raises:
        ValueError: If both or neither says where, and the tasks have no
            common trunk; or if the layer or task is unknown or ambiguous.
    """
    graph = CallGraph(model)
    if at is not None and like is not None:
        raise ValueError(
            "`at` names a layer and `like` a task: both say what the new head "
            f"reads. Expected one of them. Received: at={at!r}, like={like!r}"
        )
    if inputs is not None and like is None:
        raise ValueError(
            "`inputs` replaces those of the task in `like`, whose adapter is "
            f"built anew for them. Received: inputs={inputs!r} without `like`"
        )
    if at is not None:
        at = at.name if isinstance(at, keras.Layer) else at
        return Attachment(_slot_of_layer(graph, at), graph)
    if like is not None:
        return _like(model, graph, like, inputs or {})
    sharing = getattr(model, "sharing", None)
    if sharing is None or sharing.name == "hard":
        slot = _common_slot(model, graph)
        if slot is not None:
            return Attachment(slot, graph)
    raise ValueError(
        f"The tasks {listed(sorted(model.output))} of {model.name!r} have no "
        "common trunk, one tensor that all their heads read. Say which layer "
        "the new head reads, at='layer', or which task's own layers to "
        f"imitate, like={sorted(model.output)[0]!r}. Received: neither"
    )


def _slot_of_layer(graph, name) -> int:
    writes = [
        [call.writes for call in graph.calls if call.operation.name == name],
        [r.writes for r in graph.regions if r.operation.name == name],
    ]
    calls = [slots for group in writes for slots in group]
    if not calls:
        names = [call.operation.name for call in graph.calls]
        names += [region.operation.name for region in graph.regions]
        last = list(dict.fromkeys(names))[-8:]
        raise ValueError(
            f"Unknown layer {name!r} in `at`. Expected a layer of the model, "
            f"such as {listed(last)}.{did_you_mean(name, names)} "
            f"Received: at={name!r}"
        )
    if len(calls) > 1 or len(calls[0]) > 1:
        raise ValueError(
            f"The layer {name!r} in `at` has {len(calls)} calls and "
            f"{sum(map(len, calls))} outputs, so it does not name one tensor. "
            f"Expected a layer with one output. Received: at={name!r}"
        )
    return calls[0][0]


def _common_slot(model, graph) -> int | None:
    """Finds the last tensor that all tasks depend on, or all heads read."""
    # Slots are numbered in the order of the graph, here as in `graph`.
    parts = graphs.partition(model)
    outputs = set(graph.outputs)
    if len(parts.tasks) == 1 and not parts.trunk.weights:
        return _read_by_last_layer(graph, graph.outputs[0])
    common = _last_common(graph, graph.outputs, outputs)
    if common is not None:
        return common
    weighted = _depending_on_weights(graph) - outputs
    reads = [set(head.reads) for head in parts.heads.values()]
    read_by_all = set.intersection(*reads) & weighted
    # Masks aside, one head must read nothing else: heads that all read
    # several tensors, such as experts and a gate's inputs, need them all.
    alone = any(
        all(slot in read_by_all or _is_mask(graph, slot) for slot in head)
        for head in reads
    )
    if len(read_by_all) == 1 and alone:
        return next(iter(read_by_all))
    return None


def _is_mask(graph, slot) -> bool:
    return str(graph.tensors[slot].dtype).startswith(("bool", "int"))


def _read_by_last_layer(graph, slot) -> int | None:
    """Returns what the last layer with weights before a slot reads.

    Where several tensors meet before one is found, it is the last tensor that
    all of them depend on.
    """
    while (call := graph.producer.get(slot)) is not None:
        if len(call.reads) > 1:
            return _last_common(graph, call.reads)
        if call.weights:
            return call.reads[0] if call.reads[0] in graph.producer else None
        (slot,) = call.reads
    return None


def _last_common(graph, slots, without=()) -> int | None:
    """Finds the last tensor with weights before it that all slots depend on."""
    common = set.intersection(*_dominators(graph, slots))
    common &= _depending_on_weights(graph) - set(without)
    order = {slot: place for place, slot in enumerate(_ordered(graph))}
    return max(common, key=order.__getitem__, default=None)


def _ordered(graph) -> list[int]:
    return [
        *graph.inputs,
        *(slot for call in graph.calls for slot in call.writes),
    ]


def _depending_on_weights(graph) -> set:
    slots = set()
    for call in graph.calls:
        if call.weights or slots.intersection(call.reads):
            slots.update(call.writes)
    return slots


def _dominators(graph, slots) -> list[set]:
    """Finds the tensors that every path from the inputs goes through."""
    through = {slot: {slot} for slot in graph.inputs}
    for call in graph.calls:
        before = [through[slot] for slot in call.reads]
        common = set.intersection(*before) if before else set()
        through.update((slot, common | {slot}) for slot in call.writes)
    return [through[slot] for slot in slots]


def _replaced(graph, task, slot, inputs) -> dict:
    """Maps the slots of inputs that a task reads to the new inputs."""
    read = {
        each for call in calls_leading_to([slot], graph) for each in call.reads
    }
    own = {graph.tensors[s].name: s for s in graph.inputs if s in read}
    everywhere = {graph.tensors[s].name for s in graph.inputs}
    if not isinstance(inputs, dict):
        raise ValueError(
            "`inputs` must be a dict of input name to keras.Input. "
            f"Received: inputs={inputs!r}"
        )
    for name, tensor in inputs.items():
        if name not in own:
            raise ValueError(unknown(f"input of task {task!r}", name, own))
        if not isinstance(tensor, keras.KerasTensor):
            raise ValueError(
                f"`inputs` must give a keras.Input for {name!r}. "
                f"Received: {tensor!r}"
            )
        if tensor.name in everywhere:
            raise ValueError(
                "A new input needs a name of its own. The model has the "
                f"inputs {listed(sorted(everywhere))}. "
                f"Received: the name {tensor.name!r}"
            )
    return {own[name]: tensor for name, tensor in inputs.items()}


def _like(model, graph, task, inputs) -> Attachment:
    names = sorted(model.output)
    if task not in names:
        raise ValueError(unknown("task in `like`", task, names))
    output = graph.outputs[names.index(task)]
    slot = _read_by_last_layer(graph, output)
    if slot is None:
        raise ValueError(
            f"The task {task!r} has no features before its output layer that "
            "a new head could read. Expected another task, or at='layer'. "
            f"Received: like={task!r}"
        )
    reached, of_weight = {}, {}
    for name, end in zip(names, graph.outputs, strict=True):
        for call in calls_leading_to([end], graph):
            reached.setdefault(id(call.operation), set()).add(name)
            for weight in call.weights:
                of_weight.setdefault(id(weight), set()).add(name)
    before = calls_leading_to([slot], graph)
    own = frozenset(
        id(call.operation)
        for call in before
        if not isinstance(call.operation, Conversion)
        and reached[id(call.operation)] == {task}
        and all(of_weight[id(weight)] == {task} for weight in call.weights)
    )
    replaced = _replaced(graph, task, slot, inputs)
    rebuilt, written = [], set(replaced)
    for call in graph.calls:
        if call in before and (
            id(call.operation) in own or written.intersection(call.reads)
        ):
            rebuilt.append(call)
            written.update(call.writes)
    return Attachment(slot, graph, task, tuple(rebuilt), own, replaced)
