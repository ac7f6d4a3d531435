"""Small dense models for the problems, and how they are trained."""

import keras
import numpy as np
from keras import layers

import mtl_keras


def dense_stages(
    *units: int, linear_end: bool = False, activation: str = "gelu"
) -> list:
    """Makes the stages of a dense trunk.

    Args:
        *units: Integers, the units of each stage.
        linear_end: Boolean, whether the last stage has no activation.
        activation: Name of the others' activation.

    Returns:
        List of functions.
    """

    def stage(count, name):
        return lambda x: layers.Dense(count, activation=name)(x)

    activations = [activation] * len(units)
    if linear_end:
        activations[-1] = None
    return [stage(*each) for each in zip(units, activations, strict=True)]


def regression_tasks(names) -> list:
    """Makes a regression task for each name."""
    return [mtl_keras.Task(name, "regression", loss="mse") for name in names]


def linear_head(features, task):
    """A linear output, named after its task."""
    return layers.Dense(1, name=task.name)(features)


def build(seed: int, num_inputs: int, tasks, trunk, sharing, head=linear_head):
    """Builds a model on vectors with weights of a seed.

    Args:
        seed: Integer.
        num_inputs: Integer.
        tasks: List of `Task`.
        trunk: As for `mtl_keras.build`.
        sharing: As for `mtl_keras.build`.
        head: As for `mtl_keras.build`.

    Returns:
        `MultiTaskModel`.
    """
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((num_inputs,), name="x")
    return mtl_keras.build(
        inputs, tasks, trunk=trunk, sharing=sharing, head=head
    )


def train(
    model,
    x,
    labels: dict,
    *,
    steps: int,
    learning_rate: float = 3e-3,
    batch_size: int = 128,
    loss_weights=None,
    seed: int = 0,
    jit_compile: bool = True,
) -> None:
    """Trains by Adam with a cosine schedule.

    Args:
        model: `MultiTaskModel`.
        x: Array of inputs, or a dict of arrays.
        labels: Dict of arrays.
        steps: Integer, at least; whole executions of 50 steps are taken.
        learning_rate: Float, the first.
        batch_size: Integer.
        loss_weights: As for `compile`.
        seed: Integer, of the order of the examples.
        jit_compile: Boolean, whether XLA compiles the steps.
    """
    steps = -(-steps // 50) * 50
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss_weights=loss_weights,
        metrics={name: [] for name in labels},
        steps_per_execution=50,
        jit_compile=jit_compile,
    )
    num = len(next(iter(labels.values())))
    rng = np.random.default_rng(seed)
    order = np.concatenate(
        [rng.permutation(num) for _ in range(-(-steps * batch_size // num))]
    )[: steps * batch_size]
    model.fit(
        keras.tree.map_structure(lambda array: array[order], x),
        {name: values[order] for name, values in labels.items()},
        batch_size=batch_size,
        shuffle=False,
        verbose=0,
    )


def errors(model, x, labels: dict) -> dict[str, float]:
    """Computes each task's mean squared error."""
    outputs = model.predict(x, batch_size=4096, verbose=0)
    return {
        name: float(np.mean(np.square(outputs[name][:, 0] - values)))
        for name, values in labels.items()
    }
