"""A choice of one branch among several, learned by the Gumbel softmax."""

import keras
from keras import ops

from mtl_keras.sharing.layers.merging import Merging


@keras.saving.register_keras_serializable(package="mtl_keras")
class BranchChoice(Merging):
    """Passes on the features of one candidate.

    In training the candidates are summed with weights
    `softmax((logits + gumbel) / temperature)`, drawn anew at each step for the
    whole batch. The temperature falls by the factor `decay` a step, down to
    `lowest`; the draws then come close to a single candidate. In inference
    the features are those of the candidate with the greatest logit.

    Input: a list of the candidates' features, all of one shape. Output:
    features of that shape.

    Args:
        temperature: Float above 0, that of the first step.
        decay: Float in (0, 1].
        lowest: Float above 0.
        seed: Integer, or `None`.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(
        self,
        temperature: float,
        decay: float,
        lowest: float,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.temperature = temperature
        self.decay = decay
        self.lowest = lowest
        self.seed = seed
        # Tracked: its state is saved, so that training resumes bitwise.
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Creates a logit for each candidate, and the temperature."""
        self.logits = self.add_weight(
            (len(input_shape),), "zeros", dtype="float32", name="logits"
        )
        self.current_temperature = self.add_weight(
            (),
            keras.initializers.Constant(self.temperature),
            dtype="float32",
            trainable=False,
            aggregation="only_first_replica",
            name="temperature",
        )

    def call(self, inputs, training=False):
        """Sums the candidates in training, else selects one."""
        count = len(inputs)
        if training:
            weights = self._drawn(count)
        else:
            weights = ops.one_hot(ops.argmax(self.logits), count)
        weights = ops.cast(weights, self.compute_dtype)
        return sum(
            weights[index] * features for index, features in enumerate(inputs)
        )

    def _drawn(self, count):
        uniform = keras.random.uniform(
            (count,), dtype="float32", seed=self.seed_generator
        )
        # At 0 and 1 the logarithms are infinite.
        uniform = ops.clip(uniform, 1e-6, 1.0 - 1e-6)
        gumbel = -ops.log(-ops.log(uniform))
        temperature = ops.convert_to_tensor(self.current_temperature)
        self.current_temperature.assign(
            ops.maximum(temperature * self.decay, self.lowest)
        )
        return ops.softmax((self.logits + gumbel) / temperature)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "decay": self.decay,
            "lowest": self.lowest,
            "seed": self.seed,
        }
