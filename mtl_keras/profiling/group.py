"""Measures a group of tasks beside one output with one loss for all columns."""

import concurrent.futures
import dataclasses
import multiprocessing
import time

import keras
import numpy as np

from mtl_keras import balancing, engine
from mtl_keras.model.model import MultiTaskModel
from mtl_keras.profiling.network import Network
from mtl_keras.profiling.step import StepTimes, interleaved
from mtl_keras.task import Task

GROUP = "group"
_NUM_STEPS = 3


@dataclasses.dataclass(frozen=True)
class GroupNetwork(Network):
    """A trunk and one output with a column for each task, present or absent.

    A tenth of the labels is missing.
    """

    def batch(self) -> tuple:
        """Draws images and labels.

        Returns:
            Pair of images and a dict of the group to a float32 array of shape
            `(batch_size, num_tasks)` of 0, 1 and NaN.
        """
        x = self.images()
        rng = np.random.default_rng(self.seed + 1)
        shape = (self.batch_size, self.num_tasks)
        labels = rng.integers(0, 2, shape).astype("float32")
        return x, {GROUP: np.where(rng.random(shape) < 0.1, np.nan, labels)}

    def compiled(self, cls, loss_weights, *, jit_compile: bool):
        """Builds and compiles a model; the same weights each time.

        Args:
            cls: `keras.Model`, whose loss is the mean over all columns, with
                0 where a label is missing, or `MultiTaskModel`.
            loss_weights: As in `compile`.
            jit_compile: Boolean.

        Returns:
            Model of the class `cls`.
        """
        keras.utils.set_random_seed(self.seed)
        inputs, features = self.features()
        outputs = {
            GROUP: keras.layers.Dense(
                self.num_tasks, "sigmoid", dtype="float32", name=GROUP
            )(features)
        }
        options = {"optimizer": keras.optimizers.SGD(0.01)}
        if cls is MultiTaskModel:
            names = [f"member{k:04d}" for k in range(self.num_tasks)]
            task = Task(GROUP, "presence", names=names, metrics=["accuracy"])
            model = cls(inputs, outputs, tasks=[task])
            options["loss_weights"] = loss_weights
        else:
            model = cls(inputs, outputs)
            options["loss"] = {GROUP: _plain_loss}
            options["metrics"] = {GROUP: ["binary_accuracy"]}
        model.compile(**options, jit_compile=jit_compile)
        return model


def _plain_loss(y_true, y_pred):
    is_present = keras.ops.logical_not(keras.ops.isnan(y_true))
    labels = keras.ops.where(is_present, y_true, 0.0)
    values = keras.ops.binary_crossentropy(labels, y_pred)
    return keras.ops.mean(keras.ops.where(is_present, values, 0.0), axis=-1)


@dataclasses.dataclass(frozen=True)
class GroupCost:
    """What a step of a group costs.

    Args:
        first: Float, seconds of its first step, with tracing and compilation.
        plain_first: Float, those of the plain step.
        times: `StepTimes` of later steps.
        processor: `StepTimes` in seconds of the processor, all cores together,
            which other processes do not lengthen.
        memory: Integer, bytes of the peak; see `StepMemory`.
        plain_memory: Integer, those of the plain step.
    """

    first: float
    plain_first: float
    times: StepTimes
    processor: StepTimes
    memory: int
    plain_memory: int

    def summary(self) -> dict:
        """Returns the numbers as plain data."""
        return {
            "first_step_s": self.first,
            "plain_first_step_s": self.plain_first,
            **self.times.summary(),
            "processor_ratio": self.processor.ratio,
            "memory_bytes": self.memory,
            "plain_memory_bytes": self.plain_memory,
        }


def measure(
    network: GroupNetwork,
    balancer: str,
    options: dict | None = None,
    *,
    steps: int = 50,
    jit_compile: bool = False,
) -> GroupCost:
    """Measures a group with a balancer beside a plain model.

    Args:
        network: `GroupNetwork`.
        balancer: String, a name of `balancing.list_balancers()`.
        options: Dict, its hyperparameters. Defaults to none.
        steps: Integer, steps of each that are timed, in turn.
        jit_compile: Boolean.

    Returns:
        `GroupCost`.
    """
    plain, ours = None, (balancer, options or {})
    plain_memory, memory = (
        _in_own_process(_peak, setting, network, jit_compile)
        for setting in (plain, ours)
    )
    firsts, times, processor = _in_own_process(
        _times, (plain, ours), network, jit_compile, steps
    )
    return GroupCost(
        first=firsts[1],
        plain_first=firsts[0],
        times=StepTimes(*times),
        processor=StepTimes(*processor),
        memory=memory,
        plain_memory=plain_memory,
    )


def _in_own_process(function, *arguments):
    # A process's peak never falls again.
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        return pool.submit(function, *arguments).result()


def _model(setting, network, jit_compile):
    if setting is None:
        return network.compiled(keras.Model, None, jit_compile=jit_compile)
    name, options = setting
    return network.compiled(
        MultiTaskModel,
        balancing.get(name, **options),
        jit_compile=jit_compile,
    )


def _peak(setting, network, jit_compile) -> int:
    x, y = network.batch()
    model = _model(setting, network, jit_compile)
    return engine.step_memory(model, x, y, _NUM_STEPS)


def _times(settings, network, jit_compile, steps) -> tuple:
    x, y = network.batch()
    functions, firsts = [], []
    for setting in settings:
        started = time.perf_counter()
        model = _model(setting, network, jit_compile)
        functions.append(engine.step_function(model, x, y))
        functions[-1]()
        firsts.append(time.perf_counter() - started)
    times = [
        interleaved(functions, steps, 2, network.seed, clock)
        for clock in (time.perf_counter, time.process_time)
    ]
    return firsts, *times
