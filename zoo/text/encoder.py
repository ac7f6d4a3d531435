"""Layers around a pretrained text backbone, which reads sub-words."""

import re

import keras
from keras import layers, ops

from mtl_keras import checks, compat
from mtl_keras.messages import listed
from zoo.pretrained.encoder import BackboneLayer

# KerasHub's names of a backbone's blocks, such as "transformer_layer_0".
_BLOCK = ".*_layer_[0-9]+"


@keras.saving.register_keras_serializable(package="zoo")
class SubwordEncoder(BackboneLayer):
    """Calls a KerasHub text backbone as one layer.

    Input: dict of int32 `token_ids` and `padding_mask`, `(batch, length)`, and
    perhaps others that the backbone reads, such as `segment_ids`; what is not
    given is 0. Output: features `(batch, length, channels)`, of the first
    `max_sequence_length` positions where the backbone has such a limit; with
    `all_layers` a pair of these and of the features of all layers, one beside
    the other, `(batch, length, layers * channels)`, the embeddings first.

    Args:
        backbone: `keras_hub.models.Backbone` that reads token ids.
        *args: As for `BackboneLayer`.
        all_layers: Boolean.
        **kwargs: As for `BackboneLayer`.

    Raises:
        ValueError: If the backbone reads something else or is not made of
            numbered blocks, or an argument is out of range.
    """

    def __init__(self, backbone, *args, all_layers: bool = False, **kwargs):
        inputs = backbone.input if isinstance(backbone.input, dict) else {}
        if not {"token_ids", "padding_mask"} <= set(inputs):
            raise ValueError(
                "SubwordEncoder needs a backbone with the inputs 'token_ids' "
                f"and 'padding_mask'. Received: {type(backbone).__name__} "
                f"with the inputs {sorted(inputs)}"
            )
        super().__init__(backbone, *args, **kwargs)
        self.all_layers = checks.boolean("all_layers", all_layers)
        self._blocks = _Blocks(backbone) if self.all_layers else None

    def unused_layers(self) -> set[str]:
        """Names the layers that the features of the positions do not need.

        BERT's `pooled_dense` has no gradient then; an optimizer warns of it.
        """
        needed = {id(_sequence(self.backbone.output))}
        unused = set()
        for node in reversed(compat.ordered_nodes(self.backbone)):
            if any(id(tensor) in needed for tensor in node.outputs):
                needed.update(id(tensor) for tensor in node.input_tensors)
            else:
                unused.add(node.operation.name)
        return unused

    def call(self, inputs, training=None):
        """Encodes the sub-words."""
        limit = getattr(self.backbone, "max_sequence_length", None)
        given = {name: ids[:, :limit] for name, ids in inputs.items()}
        for name in self.backbone.input:
            given.setdefault(name, ops.zeros_like(given["token_ids"]))
        training = self.backbone_training(training)
        if not self.all_layers:
            return _sequence(self.backbone(given, training=training))
        features = self._blocks.model(given, training=training)
        return features[-1], ops.concatenate(features, axis=-1)

    def compute_output_spec(self, inputs, training=None):
        """One vector a position."""
        del training
        batch, length = inputs["token_ids"].shape
        limit = getattr(self.backbone, "max_sequence_length", None)
        if length is not None and limit is not None:
            length = min(length, limit)

        def features(channels):
            return keras.KerasTensor(
                (batch, length, channels), dtype=self.compute_dtype
            )

        last = features(_sequence(self.backbone.output).shape[-1])
        if not self.all_layers:
            return last
        channels = [tensor.shape[-1] for tensor in self._blocks.model.outputs]
        return last, features(sum(channels))

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "all_layers": self.all_layers}


@keras.saving.register_keras_serializable(package="zoo")
class WordFeatures(layers.Layer):
    """Takes the features of each word's first sub-word.

    A product with the one-hot form of the positions: the gradient of a lookup
    is several times slower under XLA on a CPU.

    Input: a list of features `(batch, length, channels)` and the positions
    `(batch, words)`, 0 being padding. Output: `(batch, words, channels)`, 0
    at the padding.
    """

    def call(self, inputs):
        """Gathers the features."""
        features, starts = inputs
        chosen = ops.one_hot(
            starts, ops.shape(features)[1], dtype=features.dtype
        )
        present = ops.cast(ops.greater(starts, 0), features.dtype)
        return ops.matmul(chosen * ops.expand_dims(present, -1), features)

    def compute_output_shape(self, input_shape):
        """One vector a word."""
        features, starts = input_shape
        return (*starts, features[-1])


@keras.saving.register_keras_serializable(package="zoo")
class MarkedSubwords(layers.Layer):
    """Finds the first sub-words of marked words.

    Input: a list of int32 positions of the words' first sub-words and marks,
    both `(batch, words)`, with as many words as there are sub-words, padding
    included; positions are 0 at the padding. Output: int32 of the same shape,
    1 at the sub-words, else 0.
    """

    def call(self, inputs):
        """Spreads the marks over the positions."""
        starts, mark = inputs
        places = ops.one_hot(starts, ops.shape(starts)[1], dtype="int32")
        is_marked = ops.logical_and(
            ops.greater(starts, 0), ops.greater(mark, 0)
        )
        is_marked = ops.expand_dims(ops.cast(is_marked, "int32"), -1)
        return ops.max(places * is_marked, axis=1)

    def compute_output_spec(self, inputs):
        """One number a sub-word."""
        starts, _ = inputs
        return keras.KerasTensor(starts.shape, dtype="int32")


@keras.saving.register_keras_serializable(package="zoo")
class SubwordMean(layers.Layer):
    """Averages the features of a sentence's sub-words, markers included.

    Input: a list of features `(batch, length, channels)` and the mask
    `(batch, length)`, 0 at the padding. Output: `(batch, channels)`.
    """

    def call(self, inputs):
        """Averages."""
        features, mask = inputs
        length = ops.shape(features)[1]
        mask = ops.cast(mask[:, :length], features.dtype)[..., None]
        total = ops.sum(features * mask, axis=1)
        return total / ops.maximum(ops.sum(mask, axis=1), 1)

    def compute_output_shape(self, input_shape):
        """One vector a sentence."""
        features, _ = input_shape
        return features[0], features[-1]


class _Blocks:
    """The features of a backbone's embeddings and of each of its blocks.

    Not a layer: Keras would track the model and save its weights, which are
    the backbone's, a second time.

    Raises:
        ValueError: If the backbone has no numbered blocks.
    """

    def __init__(self, backbone):
        blocks = [
            node
            for node in compat.ordered_nodes(backbone)
            if re.fullmatch(_BLOCK, node.operation.name)
        ]
        if not blocks:
            raise ValueError(
                "`all_layers` needs a backbone whose blocks are numbered, such "
                "as 'transformer_layer_0'. Received: "
                f"{type(backbone).__name__} with "
                f"{listed(layer.name for layer in backbone.layers)}"
            )
        outputs = [node.outputs[0] for node in blocks[:-1]]
        outputs = [blocks[0].input_tensors[0], *outputs]
        self.model = keras.Model(
            backbone.input, [*outputs, _sequence(backbone.output)]
        )


def _sequence(output):
    """Picks the features of the positions among a backbone's outputs."""
    if isinstance(output, dict):
        return output["sequence_output"]
    return output
