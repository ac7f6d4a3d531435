"""AITM: adaptive information transfer between tasks in order.

Xi et al., KDD 2021, https://arxiv.org/abs/2105.08489.
"""

import keras
from keras import layers, ops

from mtl_keras import checks
from mtl_keras.sharing.architecture import one_tensor
from mtl_keras.sharing.composed import Chained


@keras.saving.register_keras_serializable(package="mtl_keras")
class Aitm(Chained):
    """Hands each task what the task before it has learnt.

    With tasks in the order of their happening, such as click, then
    conversion: `q_k` is the output of task `k`'s tower, `p_k` a dense layer on
    the previous task's `z_{k-1}`. With `u` in `{p_k, q_k}`,
    `z_k = sum_u softmax_u(<h1(u), h2(u)> / sqrt(units)) h3(u)`, which the head
    reads; `z_1 = q_1`. The penalty
    `penalty * mean(max(y_k - y_{k-1}, 0))` keeps a task's probability under
    that of the task before.

    Args:
        units: Integer, of the towers. Defaults to 32.
        penalty: Number of at least 0. Defaults to 0.6, as in the paper.
        base: Name of an architecture, a dict with hyperparameters, or a
            `Sharing`, which makes the towers' inputs. Defaults to `"hard"`.
    """

    when_to_use = (
        "A chain of two or more tasks, each rarer than the one before, such "
        "as click, application, approval."
    )
    cost = (
        "A tower for each task, and 4 square layers of `units` for each task "
        "after the first."
    )
    drawing = """\
           +-- tower a -- z_a --------------------- head a
           |                |                         :
x -- trunk-+             transfer                     : p_b <= p_a
           |                v                         :
           +-- tower b -- attention -- z_b -------- head b
"""

    def __init__(self, *, units: int = 32, penalty: float = 0.6, base="hard"):
        super().__init__(base=base)
        self.units = checks.integer("units", units, low=1)
        self.penalty = checks.number("penalty", penalty, low=0)

    def features(self, inputs, task_names, trunk):
        """Builds the towers and the transfer between them."""
        shared = super().features(inputs, task_names, trunk)
        features = {}
        before = None
        for name in task_names:
            tensor = one_tensor(shared[name], self.name)
            tower = self._dense(f"{name}_tower")(tensor)
            if before is not None:
                transferred = self._dense(f"{name}_transfer")(features[before])
                tower = TransferAttention(name=f"{name}_attention")(
                    [transferred, tower]
                )
            features[name] = tower
            before = name
        return features

    def inner_name(self, task_name, before):
        """Returns the name of the probability, which is an output later."""
        return f"{task_name}_probability"

    def joining_layer(self, task_name):
        """Makes the penalty of a probability above that of the task before."""
        return NoMoreThan(self.penalty, dtype="float32", name=task_name)

    def _dense(self, name):
        return layers.Dense(self.units, activation="relu", name=name)


@keras.saving.register_keras_serializable(package="mtl_keras")
class TransferAttention(layers.Layer):
    """Weighs two tensors by attention, each over itself.

    Input: a list of two tensors `(batch, ..., units)`. Output: a tensor of
    that shape.
    """

    def build(self, input_shape):
        """Creates the three dense layers of the attention."""
        shape = input_shape[0]
        units = shape[-1]
        self.query = layers.Dense(units, name="query")
        self.key = layers.Dense(units, name="key")
        self.value = layers.Dense(units, name="value")
        for layer in (self.query, self.key, self.value):
            layer.build(shape)

    def call(self, inputs):
        """Computes the weighted sum."""
        scores = [
            ops.sum(self.query(u) * self.key(u), axis=-1, keepdims=True)
            for u in inputs
        ]
        scale = inputs[0].shape[-1] ** -0.5
        weights = ops.softmax(ops.stack(scores) * scale, axis=0)
        values = ops.stack([self.value(u) for u in inputs])
        return ops.sum(weights * values, axis=0)

    def compute_output_shape(self, input_shape):
        """Returns the shape of one input."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package="mtl_keras")
class NoMoreThan(layers.Layer):
    """Returns a probability, with a penalty where it exceeds another.

    Input: a list of the bound and the probability, of one shape. Output: the
    probability.

    Args:
        penalty: Number, the factor of the mean excess over the batch.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, penalty, **kwargs):
        super().__init__(**kwargs)
        self.penalty = penalty

    def call(self, inputs):
        """Adds the penalty."""
        bound, probability = inputs
        if self.penalty:
            excess = ops.maximum(probability - bound, 0.0)
            self.add_loss(self.penalty * ops.mean(excess))
        return probability

    def compute_output_shape(self, input_shape):
        """Returns the shape of the probability."""
        return input_shape[1]

    def get_config(self):
        """Returns the penalty."""
        return {**super().get_config(), "penalty": self.penalty}
