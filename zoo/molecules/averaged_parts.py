"""Parts of a model whose logits are averaged, and that learn apart."""

import keras
from keras import layers, ops


def join(parts: dict, chances: dict):
    """Joins parts so that a linear head over them averages their logits.

    A head over concatenated features learns from the part that fits the
    training data soonest, and the others learn little. Here each example of a
    training batch trains one part, as in modality dropout (Neverova et al.,
    ModDrop, 2015, https://arxiv.org/abs/1501.00102), so that the parts are an
    ensemble in one model.

    Args:
        parts: Dict from a part's name to its features, Keras tensors of shape
            `(batch, features)`.
        chances: Dict from names to positive numbers: how often a part is
            trained, in proportion.

    Returns:
        Keras tensor of shape `(batch, features of all parts)`; of a single part
        its features.
    """
    if len(parts) == 1:
        return next(iter(parts.values()))
    chosen = OnePart([chances[name] for name in parts], name="one_part")
    return chosen(list(parts.values()))


@keras.saving.register_keras_serializable(package="zoo")
class OnePart(layers.Layer):
    """Keeps one part of each example in training, and a mean of all otherwise.

    Args:
        chances: List of positive numbers, one a part: how often it is kept, in
            proportion.
        seed: Integer, of the choice.
        **kwargs: As for `keras.layers.Layer`.

    Input: a list of tensors `(batch, features)`. Output: their concatenation,
    where the features of other parts are 0 in training, and all are divided by
    the number of parts otherwise.
    """

    def __init__(self, chances, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.chances = [float(chance) for chance in chances]
        self.seed = seed
        self._generator = keras.random.SeedGenerator(seed)

    def call(self, parts, training=False):
        """Joins the parts."""
        if not training:
            return ops.concatenate(parts, axis=-1) / len(parts)
        rows = ops.shape(parts[0])[0]
        logits = ops.log(ops.convert_to_tensor([self.chances], "float32"))
        drawn = keras.random.categorical(logits, rows, seed=self._generator)[0]
        kept = ops.one_hot(drawn, len(parts), dtype=parts[0].dtype)
        return ops.concatenate(
            [part * kept[:, k : k + 1] for k, part in enumerate(parts)], axis=-1
        )

    def compute_output_shape(self, shapes):
        """Returns the shape of the concatenation."""
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def get_config(self):
        """Returns the arguments of the constructor."""
        config = {"chances": self.chances, "seed": self.seed}
        return {**super().get_config(), **config}
