"""Times a multi-task step beside the plain Keras step, in one process."""

import dataclasses
import time

import keras
import numpy as np

from mtl_keras import engine
from mtl_keras.model import MultiTaskModel

WIDTHS = (32, 64, 64, 128, 128, 256, 256)


@dataclasses.dataclass(frozen=True)
class StepTimes:
    """Times of steps taken in turn, in seconds.

    Args:
        plain: NumPy array of shape `(steps,)`, `keras.Model`.
        ours: NumPy array of shape `(steps,)`, `MultiTaskModel`; step `i` of
            both was taken one right after the other.
    """

    plain: np.ndarray
    ours: np.ndarray

    @property
    def mean_ratio(self) -> float:
        """The ratio of the mean times, for steps that differ among them."""
        return float(self.ours.mean() / self.plain.mean())

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios, ours over plain."""
        return float(np.median(self.ours / self.plain))

    def interval(self, *, confidence: float = 0.95, seed: int = 0) -> tuple:
        """Bounds the median ratio by the percentile bootstrap.

        Args:
            confidence: Float in (0, 1).
            seed: Integer, of the resampling.

        Returns:
            Tuple of two floats, the ends of the interval.
        """
        ratios = self.ours / self.plain
        draws = np.random.default_rng(seed).integers(
            0, len(ratios), (10_000, len(ratios))
        )
        medians = np.median(ratios[draws], axis=1)
        tail = 100 * (1 - confidence) / 2
        low, high = np.percentile(medians, [tail, 100 - tail])
        return float(low), float(high)

    def summary(self) -> dict:
        """Returns the medians in milliseconds, the ratio and its interval."""
        return {
            "steps": len(self.plain),
            "plain_ms": 1e3 * float(np.median(self.plain)),
            "ours_ms": 1e3 * float(np.median(self.ours)),
            "ratio": self.ratio,
            "mean_ratio": self.mean_ratio,
            "interval": self.interval(),
        }


def convolutional_network(num_tasks: int):
    """Builds inputs and outputs of the benchmark's network.

    Seven 3x3 convolutions of 32-64-64-128-128-256-256 channels on 32x32x3,
    halved by pooling after the first, third and fifth, then the mean over
    places and one linear answer with 10 classes for each task.

    Args:
        num_tasks: Integer.

    Returns:
        Keras tensor of the input, and a dict of task name to output tensor.
    """
    inputs = keras.Input((32, 32, 3), name="image")
    features = inputs
    for index, width in enumerate(WIDTHS):
        features = keras.layers.Conv2D(
            width, 3, padding="same", activation="relu"
        )(features)
        if index in (0, 2, 4):
            features = keras.layers.MaxPooling2D()(features)
    features = keras.layers.GlobalAveragePooling2D()(features)
    names = [f"task{index}" for index in range(num_tasks)]
    return inputs, {
        name: keras.layers.Dense(10, "softmax", name=name)(features)
        for name in names
    }


def compare_steps(
    *,
    num_tasks: int = 3,
    batch_size: int = 64,
    steps: int = 200,
    warmup: int = 5,
    jit_compile: bool = False,
    loss_weights: dict,
    seed: int = 0,
) -> dict[str, StepTimes]:
    """Trains a plain and multi-task models in turn on the same batch.

    Args:
        num_tasks: Integer.
        batch_size: Integer.
        steps: Integer, steps of each that are timed.
        warmup: Integer, steps of each before, the compilation among them.
        jit_compile: Bool.
        loss_weights: Dict, a name to what `MultiTaskModel.compile` takes, a
            model for each; the plain model trains with equal weights.
        seed: Integer, of the weights, the batch and the order in a round.

    Returns:
        Dict, the names to `StepTimes`.
    """
    x, y = random_batch(num_tasks, batch_size, seed)
    take = [
        keras_step(cls, weights, x, y, jit_compile=jit_compile, seed=seed)
        for cls, weights in (
            (keras.Model, None),
            *((MultiTaskModel, given) for given in loss_weights.values()),
        )
    ]
    plain, *ours = interleaved(take, steps, warmup, seed)
    return {
        name: StepTimes(plain, times)
        for name, times in zip(loss_weights, ours, strict=True)
    }


def random_batch(num_tasks: int, batch_size: int, seed: int = 0) -> tuple:
    """Draws images and labels of the benchmark's network.

    Args:
        num_tasks: Integer.
        batch_size: Integer.
        seed: Integer.

    Returns:
        Pair of a float32 array of shape `(batch_size, 32, 32, 3)` and a dict
        of task name to int32 array of shape `(batch_size,)`.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch_size, 32, 32, 3)).astype("float32")
    return x, {
        f"task{index}": rng.integers(0, 10, batch_size).astype("int32")
        for index in range(num_tasks)
    }


def keras_step(cls, loss_weights, x, y, *, jit_compile: bool, seed: int = 0):
    """Makes a function that takes one training step.

    Args:
        cls: `keras.Model` or `MultiTaskModel`.
        loss_weights: As in `compile`.
        x: Array of images.
        y: Dict, task name to labels.
        jit_compile: Bool.
        seed: Integer, of the weights.

    Returns:
        Function without arguments.
    """
    model = compiled_model(
        cls, loss_weights, y, jit_compile=jit_compile, seed=seed
    )
    return engine.step_function(model, x, y)


def compiled_model(cls, loss_weights, y, *, jit_compile: bool, seed: int = 0):
    """Builds and compiles the benchmark's model.

    Args:
        cls: `keras.Model` or `MultiTaskModel`.
        loss_weights: As in `compile`.
        y: Dict, task name to labels.
        jit_compile: Bool.
        seed: Integer, of the weights.

    Returns:
        Model of the class `cls`.
    """
    keras.utils.set_random_seed(seed)
    inputs, outputs = convolutional_network(len(y))
    model = cls(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.01),
        loss=dict.fromkeys(outputs, "sparse_categorical_crossentropy"),
        loss_weights=loss_weights,
        jit_compile=jit_compile,
    )
    return model


def interleaved(functions, steps: int, warmup: int = 5, seed: int = 0):
    """Times functions in turn, in a random order each round.

    Args:
        functions: List of functions without arguments.
        steps: Integer, timed calls of each.
        warmup: Integer, calls of each before, the compilation among them.
        seed: Integer, of the order: none always runs on a warm cache.

    Returns:
        Array of seconds, of shape `(len(functions), steps)`.
    """
    rng = np.random.default_rng(seed)
    for _ in range(warmup):
        for function in functions:
            function()
    times = np.zeros((len(functions), steps))
    for number in range(steps):
        for index in rng.permutation(len(functions)):
            started = time.perf_counter()
            functions[index]()
            times[index, number] = time.perf_counter() - started
    return times
