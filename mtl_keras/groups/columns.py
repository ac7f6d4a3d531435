"""Finds the part of a graph where each member of a group has its own column.

The last dense layer of a group gives each member scores of its own; what
follows it treats each member alone. All before is shared by the members.
"""

import dataclasses

import keras
from keras import layers

# Layers that treat each element alone, or, where the members' scores are
# vectors, each vector.
_BY_ELEMENT = (
    layers.Activation,
    layers.Dropout,
    layers.ELU,
    layers.LeakyReLU,
    layers.ReLU,
    layers.Rescaling,
)
_BY_VECTOR = (layers.Softmax, layers.Activation)
# Activations that mix the elements of the last axis.
_MIXING = (
    keras.activations.glu,
    keras.activations.log_softmax,
    keras.activations.softmax,
    keras.activations.sparsemax,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """The part of a group's graph that belongs to its members one by one.

    Args:
        group: String, the group.
        num_members: Integer.
        calls: Tuple of `Call`: the dense layer's, then what follows it.
        slot: Integer, the slot that the dense layer reads.
    """

    group: str
    num_members: int
    calls: tuple
    slot: int

    @property
    def layer(self) -> layers.Dense:
        """The dense layer."""
        return self.calls[0].operation

    def run(self, values: dict, see):
        """Runs the calls in training.

        Args:
            values: Dict, slot to tensor, with `slot`; changed.
            see: Function of the scores, shape `(batch, units)`, that the
                dense layer has before its activation; returns them, so that
                a backend can differentiate in them.

        Returns:
            Tensor, the output of the group.
        """
        first, *others = self.calls
        features = keras.ops.cast(values[self.slot], self.layer.compute_dtype)
        scores = keras.ops.matmul(features, self.kernel(features.dtype))
        if self.layer.bias is not None:
            scores = scores + keras.ops.cast(self.layer.bias, scores.dtype)
        values[first.writes[0]] = self.layer.activation(see(scores))
        for call in others:
            call.run(values, training=True)
        return values[self.calls[-1].writes[0]]

    def kernel(self, dtype):
        """Returns the dense layer's kernel, of shape `(features, units)`."""
        kernel = keras.ops.convert_to_tensor(self.layer.kernel)
        return keras.ops.cast(kernel, dtype)


def find(task, output: int, producer: dict, tensors: dict) -> Columns | None:
    """Finds the columns of a group.

    Args:
        task: `Task`, a group.
        output: Integer, the slot of its output.
        producer: Dict, slot to the `Call` that writes it.
        tensors: Dict, slot to the Keras tensor of the graph.

    Returns:
        `Columns`; `None` where no dense layer gives the members' scores, or
        where what follows it mixes them.
    """
    calls, slot = [], output
    while (call := producer.get(slot)) is not None:
        calls.append(call)
        if type(call.operation) is layers.Dense:
            return _from_dense(task, calls[::-1], tensors)
        if len(call.reads) != 1 or not _keeps_apart(
            call, len(task.members), tensors
        ):
            return None
        (slot,) = call.reads
    return None


def _from_dense(task, calls, tensors) -> Columns | None:
    layer, num_members = calls[0].operation, len(task.members)
    (slot,) = calls[0].reads
    is_plain = (
        layer.units % num_members == 0
        and len(tensors[slot].shape) == 2
        and layer.quantization_mode is None
        and layer.activity_regularizer is None
    )
    is_alone = layer.activation is keras.activations.linear or (
        layer.units == num_members and layer.activation not in _MIXING
    )
    if not (is_plain and is_alone):
        return None
    return Columns(task.name, num_members, tuple(calls), slot)


def _keeps_apart(call, num_members, tensors) -> bool:
    """Checks that a call mixes no two members."""
    operation = call.operation
    before = tuple(tensors[call.reads[0]].shape)
    after = tuple(tensors[call.writes[0]].shape)
    if isinstance(operation, layers.Reshape):
        return len(before) == 2 and after[1] == num_members
    if len(before) == 3 and isinstance(operation, _BY_VECTOR):
        return getattr(operation, "axis", -1) in (-1, 2)
    if getattr(operation, "activation", None) in _MIXING:
        return False
    return isinstance(operation, _BY_ELEMENT)
