"""What a step costs beside a plain Keras model of the same layers.

Median times of steps taken in turn in one process, of the `MultiTaskModel`
and of a `keras.Model` of the same graph, with equal weights and XLA: two
tasks, a trunk of two dense stages of 512 units, batches of 256.
"""

import keras
import numpy as np

from mtl_keras import engine
from mtl_keras.profiling.step import StepTimes, interleaved
from zoo.problems import models

_INPUTS = 64
_STEPS = 60
_SHARINGS = (
    "hard",
    "mmoe",
    "cgc",
    "ple",
    "cross_stitch",
    "sluice",
    "nddr",
    "mtan",
    "dselect_k",
    "branching",
)


def run(seed: int) -> dict:
    """Times every architecture."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(256, _INPUTS)).astype("float32")
    y = {task: x[:, place] for place, task in enumerate(("a", "b"))}
    rows = {}
    for name in _SHARINGS:
        functions = []
        for is_plain in (True, False):
            model = models.build(
                seed,
                _INPUTS,
                models.regression_tasks(y),
                models.dense_stages(512, 512),
                name,
            )
            if is_plain:
                model = keras.Model(model.input, model.output)
            model.compile(
                keras.optimizers.Adam(1e-3),
                loss=dict.fromkeys(y, "mse"),
                metrics={task: [] for task in y},
                jit_compile=True,
            )
            functions.append(engine.step_function(model, x, y))
        times = StepTimes(*interleaved(functions, _STEPS, seed=seed))
        summary = times.summary()
        rows[name] = {
            "plain, ms": summary["plain_ms"],
            "ratio": summary["ratio"],
        }
        keras.utils.clear_session()
    return rows
