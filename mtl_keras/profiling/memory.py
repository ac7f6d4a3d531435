"""Measures a multi-task step's memory beside the plain Keras step's."""

import concurrent.futures
import dataclasses
import math
import multiprocessing

import keras

from mtl_keras import balancing, engine
from mtl_keras.model.model import MultiTaskModel
from mtl_keras.profiling.network import Network

_NUM_STEPS = 3


@dataclasses.dataclass(frozen=True)
class StepMemory:
    """Peak memory of training steps, in bytes.

    On JAX what the compiled step holds at once; on TensorFlow the resident
    memory of a process that takes three steps.

    Args:
        plain: Integer, of `keras.Model`.
        ours: Integer, of `MultiTaskModel`.
        jacobian: Integer, the size of the tasks' exact gradients: `num_tasks`
            times the shared variables.
    """

    plain: int
    ours: int
    jacobian: int

    @property
    def ratio(self) -> float:
        """Ours over plain with the exact gradients."""
        return self.ours / (self.plain + self.jacobian)


def compare_memory(
    network: Network,
    balancer: str = "equal",
    options: dict | None = None,
    *,
    jit_compile: bool = False,
) -> StepMemory:
    """Measures both steps, each in a process of its own.

    Args:
        network: `Network`.
        balancer: String, a name of `balancing.list_balancers()`.
        options: Dict, its hyperparameters. Defaults to none.
        jit_compile: Boolean.

    Returns:
        `StepMemory`.
    """
    peaks = []
    for setting in (None, (balancer, options or {})):
        # A process's peak never falls again.
        with concurrent.futures.ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn")
        ) as pool:
            call = pool.submit(_peak, setting, network, jit_compile)
            peaks.append(call.result())
    (plain, size), (ours, _) = peaks
    return StepMemory(plain, ours, network.num_tasks * size)


def _peak(balancer, network, jit_compile) -> tuple[int, int]:
    """Returns the peak, and the size of the shared variables."""
    x, y = network.batch()
    weights = None
    if balancer is not None:
        name, options = balancer
        weights = balancing.get(name, **options)
    model = network.compiled(
        keras.Model if balancer is None else MultiTaskModel,
        weights,
        jit_compile=jit_compile,
    )
    heads = {id(v) for name in y for v in model.get_layer(name).variables}
    size = sum(
        math.prod(v.shape) * 4
        for v in model.trainable_variables
        if id(v) not in heads
    )
    return engine.step_memory(model, x, y, _NUM_STEPS), size
