"""The calls of a functional model, one operation at a time."""

import dataclasses
import itertools

import keras
from keras import tree

from mtl_keras import compat


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One call of one operation; nested models are opened.

    Args:
        operation: Layer or operation of Keras.
        node: Keras node, which knows how tensors enter the call.
        reads: Tuple of integers, the slots of its input tensors.
        writes: Tuple of integers, the slots of its outputs.
    """

    operation: object
    node: object
    reads: tuple[int, ...]
    writes: tuple[int, ...]

    @property
    def weights(self) -> list:
        """The operation's variables, without random generators' states."""
        return list(getattr(self.operation, "weights", ()))

    def run(self, values: dict, *, training: bool) -> None:
        """Runs the call on tensors by slot and adds its outputs.

        Args:
            values: Dict, slot to tensor; changed in place.
            training: Bool.
        """
        tensors = {
            id(tensor): values[slot]
            for tensor, slot in zip(
                self.node.input_tensors, self.reads, strict=True
            )
        }
        args, kwargs = self.node.arguments.fill_in(tensors)
        operation = compat.bind_training(self.operation, training=training)
        outputs = tree.flatten(operation(*args, **kwargs))
        values.update(zip(self.writes, outputs, strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
    """One call of a nested model that was opened.

    Args:
        operation: The nested model, a layer of the model around it.
        node: Keras node of the call.
        reads: Tuple of integers, the slots of its input tensors.
        writes: Tuple of integers, the slots of its outputs.
        first: Integer, the place of its first call in `CallGraph.calls`.
        last: Integer, the place behind its last call.
    """

    operation: object
    node: object
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    first: int
    last: int


class Conversion:
    """Converts the inputs of a nested model, as a call of the model does.

    Args:
        model: The nested model.

    Attributes:
        name: String.
        inputs: List of Keras tensors, the inputs of the nested model.
    """

    def __init__(self, model):
        self.name = f"{model.name}_inputs"
        self.inputs = compat.flat_inputs(model)
        self._model = model

    def __call__(self, *tensors):
        """Converts the tensors that enter the nested model."""
        return compat.convert_inputs(self._model, list(tensors))


@dataclasses.dataclass(frozen=True, eq=False)
class _ConversionNode:
    """What a `Call` needs to know of the node of a `Conversion`."""

    input_tensors: tuple

    @property
    def arguments(self):
        return self

    def fill_in(self, tensors: dict) -> tuple:
        return tuple(tensors[id(t)] for t in self.input_tensors), {}


class CallGraph:
    """The calls of a model with nested models opened.

    Args:
        model: Functional model.

    Attributes:
        calls: List of `Call`, in the order they run.
        inputs: List of integers, the slots of the flattened inputs.
        outputs: List of integers, the slots of the flattened outputs.
        tensors: Dict, slot to the Keras tensor of the graph.
        producer: Dict, slot to the `Call` that writes it.
        opaque: List of strings, models that count as one operation.
        opened: List of strings, nested models that were opened.
        regions: List of `Region`, the calls of these models; one that
            contains others comes before them.
    """

    def __init__(self, model):
        self._next = itertools.count()
        self.tensors = {}
        self.calls = []
        self.opaque = []
        self.opened = []
        self.regions = []
        self.inputs = [self._slot(t) for t in compat.flat_inputs(model)]
        self.outputs = self._open(model, self.inputs)
        self.producer = {s: call for call in self.calls for s in call.writes}

    def _slot(self, tensor) -> int:
        slot = next(self._next)
        self.tensors[slot] = tensor
        return slot

    def _open(self, model, inputs) -> list[int]:
        known = {
            id(tensor): slot
            for tensor, slot in zip(
                compat.flat_inputs(model), inputs, strict=True
            )
        }
        for node in compat.ordered_nodes(model):
            if any(id(t) not in known for t in node.input_tensors):
                # Depends on an input outside the model that was cut out.
                continue
            reads = [known[id(t)] for t in node.input_tensors]
            inner = compat.inner_graph(node.operation)
            if inner is not None:
                if isinstance(node.operation, keras.Model):
                    self.opened.append(node.operation.name)
                place, first = len(self.regions), len(self.calls)
                order = compat.inner_order(inner, node)
                entering = self._converted(inner, [reads[i] for i in order])
                writes = self._open(inner, entering)
                region = Region(
                    node.operation,
                    node,
                    tuple(reads),
                    tuple(writes),
                    first,
                    len(self.calls),
                )
                self.regions.insert(place, region)
            else:
                writes = self._add(node, reads)
            known.update(
                (id(t), slot)
                for t, slot in zip(node.outputs, writes, strict=True)
            )
        return [known[id(t)] for t in compat.flat_outputs(model)]

    def _converted(self, model, reads) -> list[int]:
        """Adds the conversion of a nested model's inputs, where it has one."""
        inputs = compat.flat_inputs(model)
        tensors = [self.tensors[slot] for slot in reads]
        if all(
            new.dtype == old.dtype and len(new.shape) == len(old.shape)
            for new, old in zip(inputs, tensors, strict=True)
        ):
            return reads
        writes = [self._slot(tensor) for tensor in inputs]
        self.calls.append(
            Call(
                Conversion(model),
                _ConversionNode(tuple(tensors)),
                tuple(reads),
                tuple(writes),
            )
        )
        return writes

    def _add(self, node, reads) -> list[int]:
        operation = node.operation
        if isinstance(operation, keras.Model):
            self.opaque.append(operation.name)
        writes = [self._slot(tensor) for tensor in node.outputs]
        self.calls.append(Call(operation, node, tuple(reads), tuple(writes)))
        return writes
