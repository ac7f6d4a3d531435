"""Times a multi-task step beside the plain Keras step, in one process."""

import dataclasses
import time

import keras
import numpy as np

from mtl_keras import engine
from mtl_keras.model.model import MultiTaskModel
from mtl_keras.profiling.network import Network


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


def compare_steps(
    network: Network,
    loss_weights: dict,
    *,
    steps: int = 200,
    warmup: int = 5,
    jit_compile: bool = False,
) -> dict[str, StepTimes]:
    """Trains a plain and multi-task models in turn on the same batch.

    Args:
        network: `Network`; its seed is that of the order in a round as well.
        loss_weights: Dict, a name to what `MultiTaskModel.compile` takes, a
            model for each; the plain model trains with equal weights.
        steps: Integer, steps of each that are timed.
        warmup: Integer, steps of each before, the compilation among them.
        jit_compile: Boolean.

    Returns:
        Dict, the names to `StepTimes`.
    """
    x, y = network.batch()
    models = [
        network.compiled(cls, weights, jit_compile=jit_compile)
        for cls, weights in (
            (keras.Model, None),
            *(
                (MultiTaskModel, weighting)
                for weighting in loss_weights.values()
            ),
        )
    ]
    take = [engine.step_function(model, x, y) for model in models]
    plain, *ours = interleaved(take, steps, warmup, network.seed)
    return {
        name: StepTimes(plain, times)
        for name, times in zip(loss_weights, ours, strict=True)
    }


def interleaved(
    functions,
    steps: int,
    warmup: int = 5,
    seed: int = 0,
    clock=time.perf_counter,
):
    """Times functions in turn, in a random order each round.

    Args:
        functions: List of functions without arguments.
        steps: Integer, timed calls of each.
        warmup: Integer, calls of each before, the compilation among them.
        seed: Integer, of the order: none always runs on a warm cache.
        clock: Function that returns seconds; `time.process_time` counts those
            of the processor, which other processes do not lengthen.

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
            started = clock()
            functions[index]()
            times[index, number] = clock() - started
    return times
