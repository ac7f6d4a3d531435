"""Layers that combine the outputs of an ensemble's members for one task."""

import keras
from keras import ops

from mtl_keras.ensemble import forms
from mtl_keras.losses import probability


def to_probabilities(output, kind: str, from_logits: bool):
    """Converts an output to what is averaged.

    Args:
        output: float32 tensor.
        kind: String, as of `forms.Form`.
        from_logits: Boolean.

    Returns:
        float32 tensor of the same shape: probabilities; of hazards the
        probability of surviving each interval; values as they are.
    """
    if kind == forms.CLASSES:
        return ops.softmax(output, axis=-1) if from_logits else output
    if kind in (forms.VALUES, forms.RISKS):
        return output
    result = ops.sigmoid(output) if from_logits else output
    if kind == forms.HAZARDS:
        result = ops.cumprod(1.0 - result, axis=-1)
    return result


def from_probabilities(mean, kind: str, to_logits: bool):
    """Converts the mean of `to_probabilities` to an output again.

    Args:
        mean: float32 tensor.
        kind: String, as of `forms.Form`.
        to_logits: Boolean, whether the task's loss reads logits.

    Returns:
        float32 tensor of the same shape.
    """
    if kind in (forms.VALUES, forms.RISKS):
        return mean
    if kind == forms.HAZARDS:
        before = ops.concatenate(
            [ops.ones_like(mean[..., :1]), mean[..., :-1]], axis=-1
        )
        # No one is left: the hazard does not matter.
        safe = ops.where(before > 0, before, 1.0)
        mean = ops.where(before > 0, 1.0 - mean / safe, 0.0)
    if not to_logits:
        return mean
    if kind == forms.CLASSES:
        return probability.log(mean)
    return probability.log(mean) - probability.log(1.0 - mean)


class _Combined(keras.layers.Layer):
    """A layer of as many inputs as members, for one task.

    Args:
        kind: String, as of `forms.Form`.
        weights: Sequence of floats, one a member.
        from_logits: Sequence of booleans, one a member.
        to_logits: Boolean, whether the result holds logits.
    """

    def __init__(
        self, kind, weights, from_logits, *, to_logits=False, **kwargs
    ):
        # float32 under mixed precision too: these are the last layers.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.kind = kind
        self.member_weights = tuple(float(weight) for weight in weights)
        self.from_logits = tuple(bool(each) for each in from_logits)
        self.to_logits = bool(to_logits)
        self.supports_masking = True

    def compute_mask(self, inputs, mask=None):
        """Passes on the mask of the first member."""
        return mask[0] if isinstance(mask, list | tuple) else mask

    def compute_output_shape(self, input_shape):
        """Returns the shape of one member's output."""
        return input_shape[0]

    def get_config(self):
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "kind": self.kind,
            "weights": list(self.member_weights),
            "from_logits": list(self.from_logits),
            "to_logits": self.to_logits,
        }


@keras.saving.register_keras_serializable(package="mtl_keras")
class MemberAverage(_Combined):
    """Averages the probabilities or values of the members.

    The mean is weighted by `weights`, divided by their sum. Of hazards the
    survival curves are averaged.
    """

    def call(self, inputs):
        """Averages.

        Args:
            inputs: List of tensors of one shape, one a member.

        Returns:
            float32 tensor of the same shape.
        """
        total = sum(self.member_weights)
        mean = sum(
            to_probabilities(output, self.kind, logits) * (weight / total)
            for output, logits, weight in zip(
                inputs, self.from_logits, self.member_weights, strict=True
            )
        )
        return from_probabilities(mean, self.kind, self.to_logits)


@keras.saving.register_keras_serializable(package="mtl_keras")
class MemberVote(_Combined):
    """Counts the votes of the members for each class.

    The result is the weighted fraction of the votes, so that a tie has equal
    values: `argmax` takes the lowest class, and a presence of exactly 0.5 is
    not above the threshold.
    """

    def call(self, inputs):
        """Counts.

        Args:
            inputs: List of tensors of one shape, one a member.

        Returns:
            float32 tensor of the same shape.
        """
        votes = sum(
            self._vote(output, logits) * weight
            for output, logits, weight in zip(
                inputs, self.from_logits, self.member_weights, strict=True
            )
        )
        votes = votes / sum(self.member_weights)
        return from_probabilities(votes, self.kind, self.to_logits)

    def _vote(self, output, from_logits):
        if self.kind == forms.CLASSES:
            winner = ops.argmax(output, axis=-1)
            return ops.one_hot(winner, output.shape[-1], dtype="float32")
        return ops.cast(output > (0.0 if from_logits else 0.5), "float32")
