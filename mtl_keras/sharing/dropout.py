"""Dropout between the trunk and the heads, without a change of the graph."""

import keras

from mtl_keras import compat


class FrontierDropout:
    """Drops shared features where heads read them.

    All heads see the same mask. Frontier tensors that depend on no shared
    variable (inputs, masks) and the model's outputs are not dropped. The
    user's graph is unchanged: only in training the parts run one after the
    other in its place.

    Args:
        rate: Float in (0, 1), the fraction of features set to zero; the others
            are scaled by `1 / (1 - rate)`, as in `keras.layers.Dropout`.
        model: `MultiTaskModel`.
        parts: Its `graph.Partition`.

    Raises:
        ValueError: If the rate is out of range, or the heads read no shared
            feature.
    """

    @classmethod
    def of(cls, rate, model, parts):
        """Makes the dropout of a compiled model; `None` for a rate of 0."""
        is_off = rate == 0 and not isinstance(rate, bool)
        return None if is_off else cls(rate, model, parts)

    def __init__(self, rate: float, model, parts):
        is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
        if not is_number or not 0 < rate < 1:
            raise ValueError(
                "`shared_dropout` must be a number in [0, 1). "
                f"Received: shared_dropout={rate!r}"
            )
        self.parts = parts
        self.slots = _dropped(parts)
        if not self.slots:
            raise ValueError(
                "`shared_dropout` has nothing to act on: no head of this model "
                "reads a feature that two tasks share. "
                "mtl_keras.graph.describe(model) shows what is shared. "
                f"Received: shared_dropout={rate!r}"
            )
        # An attribute of the model, so that its random state is tracked. One
        # for all compilations, since Keras cannot remove a layer.
        if getattr(model, "shared_dropout", None) is None:
            model.shared_dropout = keras.layers.Dropout(rate)
        self.layer = model.shared_dropout
        self.layer.rate = rate

    def drop(self, values: dict) -> None:
        """Drops features of the frontier, for the heads to read.

        Args:
            values: Dict, slot to tensor, after the trunk has run; changed.
        """
        for slot in self.slots:
            values[slot] = self.layer(values[slot], training=True)

    def run(self, model, inputs, mask=None) -> dict:
        """Runs the model in training.

        Args:
            model: The functional model.
            inputs: Its inputs, as for `call`.
            mask: As for `call`; must be `None`.

        Returns:
            Dict, task name to output tensor, in the model's own order.

        Raises:
            ValueError: If `mask` is not `None`.
        """
        if any(each is not None for each in keras.tree.flatten(mask)):
            raise ValueError(
                "A model compiled with `shared_dropout` takes no `mask` in "
                "training: masks are made by its own layers, such as "
                "Embedding(mask_zero=True)."
            )
        parts = self.parts
        flat = compat.standardize_inputs(model, inputs)
        values = dict(zip(parts.trunk.reads, flat, strict=True))
        parts.trunk.run(values, training=True)
        self.drop(values)
        return {
            name: parts.heads[name].run(dict(values), training=True)[0]
            for name in model.output
        }


def _dropped(parts) -> tuple[int, ...]:
    shared = set()
    for call in parts.trunk.calls:
        if call.weights or any(slot in shared for slot in call.reads):
            shared.update(call.writes)
    outputs = {slot for head in parts.heads.values() for slot in head.writes}
    return tuple(
        slot
        for slot in parts.frontier
        if slot in shared
        and slot not in outputs
        and keras.backend.is_float_dtype(parts.tensors[slot].dtype)
    )
