"""Initializes the kernels of a model's parts again."""

import zlib

import keras
import numpy as np

from mtl_keras import graph
from mtl_keras.messages import did_you_mean, listed
from mtl_keras.sharing.kernels import kernels


def initialize(model, trunk=None, heads=None, seed: int = 0) -> None:
    """Draws new kernels for the trunk and the heads, in place.

    ```python
    mtl_keras.initialize(
        model, trunk="he_normal", heads={"box": "zeros"}, seed=0
    )
    ```

    Kernels are those of `mtl_keras.sharing.kernels`: biases, scales and
    embeddings are unchanged, and so does an optimizer's state. The same
    seed draws the same kernels on one backend; the draws of a part do not
    depend on the initializers of the others.

    Args:
        model: `MultiTaskModel`, or another functional model whose outputs
            are a dict.
        trunk: Initializer of Keras, its name or config, for what the tasks
            share; `None` leaves it unchanged. Its own seed is ignored.
        heads: One initializer for all heads, or a dict of task name to
            initializer; tasks left out are unchanged.
        seed: Integer of at least 0. Defaults to 0.

    Raises:
        ValueError: If a task or an initializer is unknown, or `trunk` is
            given and the tasks share no kernel.
    """
    parts = graph.partition(model)
    by_task = _by_task(heads, parts.tasks)
    initializers = {"trunk": _initializer("trunk", trunk)}
    for task, identifier in by_task.items():
        part = f"heads[{task!r}]"
        initializers[part] = _initializer(part, identifier)
    owned = {"trunk": kernels(parts.shared_variables)}
    for task, variables in parts.task_variables.items():
        owned[f"heads[{task!r}]"] = kernels(variables)
    if trunk is not None and not owned["trunk"]:
        raise ValueError(
            "`trunk` has nothing to act on: the tasks of this model share no "
            f"kernel. Received: trunk={trunk!r}"
        )
    for part, initializer in initializers.items():
        if initializer is None:
            continue
        for index, kernel in enumerate(owned[part]):
            entropy = (seed, zlib.crc32(part.encode()), index)
            drawn = _seeded(initializer, entropy)
            kernel.assign(drawn(kernel.shape, dtype=kernel.dtype))


def _by_task(heads, tasks) -> dict:
    if not isinstance(heads, dict) or "class_name" in heads:
        return dict.fromkeys(tasks, heads)
    for name in heads:
        if name not in tasks:
            raise ValueError(
                f"`heads` names the task {name!r}, which this model does not "
                f"have. Its tasks are {listed(tasks)}."
                f"{did_you_mean(name, tasks)} Received: heads={heads}"
            )
    return heads


def _initializer(argument, identifier):
    if identifier is None:
        return None
    try:
        return keras.initializers.get(identifier)
    except (ValueError, TypeError) as error:
        names = [
            name
            for name in dir(keras.initializers)
            if name[0].islower() and name not in ("get", "serialize")
        ]
        raise ValueError(
            f"`{argument}` must be an initializer of Keras or its name."
            f"{did_you_mean(identifier, names)} Received: {identifier!r}"
        ) from error


def _seeded(initializer, entropy):
    """Copies an initializer with another seed, if it has one."""
    if not isinstance(initializer, keras.initializers.Initializer):
        return initializer
    config = initializer.get_config()
    if "seed" in config:
        sequence = np.random.SeedSequence([int(part) for part in entropy])
        config["seed"] = int(sequence.generate_state(1)[0] >> 1)
    return type(initializer).from_config(config)
