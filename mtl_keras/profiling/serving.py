"""Times the signatures of an export beside Keras's own export."""

import dataclasses
import pathlib

import keras
import numpy as np
import tensorflow as tf

from mtl_keras import export
from mtl_keras.export import task_outputs
from mtl_keras.profiling.step import StepTimes, interleaved


@dataclasses.dataclass(frozen=True)
class ServingTimes:
    """Times of calls made in turn, in seconds.

    Args:
        plain: NumPy array of shape `(calls,)`, the signature of Keras's
            `model.export` on dense inputs.
        dense: NumPy array of shape `(calls,)`, our `serving_dense`; call `i`
            of all was made one right after the other.
        raw: NumPy array of shape `(calls,)`, our `serving_default`.
    """

    plain: np.ndarray
    dense: np.ndarray
    raw: np.ndarray

    @property
    def preprocessing(self) -> float:
        """The median fraction of a raw call that is spent before the model."""
        return float(np.median(1.0 - self.dense / self.raw))

    def summary(self) -> dict:
        """Returns medians in milliseconds, the ratio and its interval."""
        times = StepTimes(self.plain, self.dense)
        low, high = times.interval()
        return {
            "calls": len(self.plain),
            "plain_ms": 1e3 * float(np.median(self.plain)),
            "dense_ms": 1e3 * float(np.median(self.dense)),
            "raw_ms": 1e3 * float(np.median(self.raw)),
            "ratio": times.ratio,
            "interval": (low, high),
            "preprocessing": self.preprocessing,
        }


class ServingBenchmark:
    """An export of a model, and Keras's export of the same layers.

    Args:
        model: Functional `keras.Model` of the zoo's kind, with the attributes
            `preprocessor` and `postprocessor`.
        folder: String or path of an empty folder for both.
    """

    def __init__(self, model, folder):
        folder = pathlib.Path(folder)
        self._preprocessor = model.preprocessor
        ours = export.saved_model(
            model, folder / "ours", model.preprocessor, model.postprocessor
        )
        plain = keras.Model(
            {tensor.name: tensor for tensor in model.inputs},
            task_outputs.task_outputs(model),
        )
        plain.export(folder / "plain", format="tf_saved_model", verbose=False)
        # Signatures are functions that die with what was loaded.
        self._loaded = [
            tf.saved_model.load(str(path)) for path in (ours, folder / "plain")
        ]
        ours, plain = (loaded.signatures for loaded in self._loaded)
        self._functions = (
            plain["serving_default"],
            ours["serving_dense"],
            ours["serving_default"],
        )

    def times(
        self, raw: dict, *, calls: int = 200, warmup: int = 10, seed: int = 0
    ) -> ServingTimes:
        """Calls the three signatures in turn.

        Args:
            raw: Dict of raw input name to a batch.
            calls: Integer, calls of each that are timed.
            warmup: Integer, calls of each before.
            seed: Integer, of the order in a round.

        Returns:
            `ServingTimes`.
        """
        raw = {name: tf.constant(value) for name, value in raw.items()}
        dense, _ = self._preprocessor(raw)
        dense = {name: tf.constant(value) for name, value in dense.items()}

        def caller(function, inputs):
            def call():
                for value in function(**inputs).values():
                    value.numpy()

            return call

        plain, served, whole = self._functions
        functions = [
            caller(plain, dense),
            caller(served, dense),
            caller(whole, raw),
        ]
        return ServingTimes(*interleaved(functions, calls, warmup, seed))
