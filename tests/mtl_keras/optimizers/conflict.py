"""Measures what Adam leaves of a balanced direction, where tasks conflict.

`python -m tests.mtl_keras.optimizers.conflict` prints the tables of
`docs/results/balancing_under_adam.md`: a trunk of one number for two tasks
whose targets are linear in the inputs, 80 degrees apart, one of them ten times
as large. Equal weights learn the large one. A method that does not look at
scales ends in the middle, where both lose the same fraction of their variance.
"""

import itertools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from mtl_keras import MultiTaskModel, balancing
from mtl_keras.optimizers import AdaptiveAdam

ANGLE = np.deg2rad(80.0)
SIZE, EXAMPLES, BATCH, EPOCHS = 16, 2048, 32, 6
METHODS = ("equal", "cagrad", "nash_mtl", "aligned_mtl")


class Whitened(balancing.JacobianBalancer):
    """MAdam's direction for Adam: the balanced one, over its own curvature.

    The curvature is the second moment of what past gradients would have been
    with the weights of now: `w @ F @ w`, `F` the averaged products of the
    tasks' gradients, element by element (arXiv 2606.03904, by a summary).
    """

    def __init__(self, method, beta=0.999, **kwargs):
        super().__init__(**kwargs)
        self.method, self.beta = method, beta

    def initial_state(self, num_tasks, num_parameters):
        shape = (num_tasks, num_tasks, num_parameters)
        return {
            "blocks": np.zeros(shape, "float32"),
            "steps": np.zeros((), "int32"),
        }

    def _advance(self, step):
        rows = step.jacobian
        new = rows[:, None, :] * rows[None, :, :]
        blocks = step.state["blocks"]
        blocks = blocks + (1.0 - self.beta) * (new - blocks)
        return {"blocks": blocks, "steps": step.state["steps"] + 1}

    def _merge(self, step):
        rows = step.jacobian
        gramian = ops.matmul(rows, ops.transpose(rows))
        weights = self.method.weights(gramian, step.losses, step.present)
        state = self._advance(step)
        curvature = ops.sum(
            ops.outer(weights, weights)[:, :, None] * state["blocks"], (0, 1)
        )
        started = 1.0 - self.beta ** ops.cast(state["steps"], "float32")
        root = ops.sqrt(ops.maximum(curvature / started, 0.0))
        direction = ops.matmul(weights[None, :], rows)[0]
        return direction / (root + 1e-6 * ops.max(root) + 1e-30)


def recorded(base):
    """An optimizer that keeps the cosine of step and gradient in the trunk."""

    class Recorded(base):
        def build(self, variables):
            super().build(variables)
            self.cosines = self.add_variable((2,), name="cosines")

        def update_step(self, gradient, variable, learning_rate):
            before = tf.identity(variable)
            super().update_step(gradient, variable, learning_rate)
            if tuple(variable.shape) != (SIZE, 1):
                return
            moved = before - tf.identity(variable)
            lengths = ops.norm(moved) * ops.norm(gradient)
            is_step = lengths > 0
            cosine = ops.sum(moved * gradient) / ops.where(
                is_step, lengths, 1.0
            )
            new = ops.stack(
                [ops.where(is_step, cosine, 0.0), ops.cast(is_step, "float32")]
            )
            self.cosines.assign_add(new)

    return Recorded


OPTIMIZERS = {
    "SGD": lambda: recorded(keras.optimizers.SGD)(0.02),
    "Adam": lambda: recorded(keras.optimizers.Adam)(0.01),
    "AdaptiveAdam": lambda: recorded(AdaptiveAdam)(0.01),
    "Adam, whitened": lambda: recorded(keras.optimizers.Adam)(0.01),
}


def data(seed):
    rng = np.random.default_rng(seed)
    first, other = np.linalg.qr(rng.normal(size=(SIZE, 2)))[0].T
    second = np.cos(ANGLE) * first + np.sin(ANGLE) * other
    x = rng.normal(size=(EXAMPLES, SIZE))
    noise = 0.1 * rng.normal(size=(2, EXAMPLES))
    y = {"a": x @ first + noise[0], "b": 10.0 * (x @ second + noise[1])}
    return x.astype("float32"), {
        n: v[:, None].astype("float32") for n, v in y.items()
    }


def run(method, optimizer, seed):
    """Trains; returns the explained fractions of a and b, and the cosine."""
    keras.utils.set_random_seed(seed)
    x, y = data(seed)
    inputs = keras.Input((SIZE,))
    trunk = layers.Dense(1, use_bias=False, name="trunk")(inputs)
    model = MultiTaskModel(
        inputs,
        {n: layers.Dense(1, use_bias=False, name=n)(trunk) for n in "ab"},
    )
    loss_weights = balancing.get(method)
    if optimizer.endswith("whitened"):
        inner = balancing.get(method)
        if inner.levels == ("losses",):
            inner = balancing.get("cagrad", c=0.0)
        loss_weights = Whitened(inner)
    rule = OPTIMIZERS[optimizer]()
    model.compile(rule, "mse", loss_weights)
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    predictions = model.predict(x, batch_size=EXAMPLES, verbose=0)
    explained = []
    for name in "ab":
        # By the trunk alone, the best head for it: what was shared.
        feature = predictions[name][:, 0]
        explained.append(np.corrcoef(feature, y[name][:, 0])[0, 1] ** 2)
    total, count = rule.cosines.numpy()
    return (*explained, total / max(count, 1))


def main():
    tf.config.threading.set_inter_op_parallelism_threads(1)
    fair = np.cos(ANGLE / 2) ** 2
    print(f"middle: {fair:.3f} of both, less 0.01 of noise")
    print("| method | optimizer | a | b | the worse | step to gradient |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for method, optimizer in itertools.product(METHODS, OPTIMIZERS):
        runs = np.array([run(method, optimizer, seed) for seed in range(3)])
        a, b, cosine = runs.mean(axis=0)
        worse = runs[:, :2].min(axis=1)
        print(
            f"| `{method}` | {optimizer} | {a:.3f} | {b:.3f} | "
            f"{worse.mean():.3f} ± {worse.std(ddof=1):.3f} | {cosine:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
