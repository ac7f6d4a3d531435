"""Exports a model as a LiteRT file, for phones and small devices."""

import contextlib
import os
import pathlib
import re
import sys
import tempfile

from mtl_keras import files
from mtl_keras.export import converted_path, runtimes, task_outputs

_SIGNATURE = "serving_default"
_HALF = ("bfloat16", "float16")
# `<unknown>:0: error: loc(...): 'tf.X' op is neither ...`
_LINE = re.compile(r"error: (?:loc\(.*\): )?(.+)")


def litert(
    model,
    path,
    float16: bool = False,
    *,
    batch_size: int | None = None,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a model from its preprocessed inputs on, for LiteRT.

    Its inputs have the model's names, its outputs the tasks'. Only LiteRT's
    own operations are used, so its small runtime is enough. The file is tried
    out before it is kept.

    Args:
        model: Functional `keras.Model`, such as a `MultiTaskModel`, whose
            outputs are one flat dict of task name to tensor.
        path: String or `pathlib.Path` of the file, ending in `.tflite`.
        float16: Boolean, whether the weights are stored in 16 bits: half the
            size, and answers that differ a little (see `compare`). Defaults
            to `False`.
        batch_size: Integer, the only number of examples that can be asked
            about at once. Defaults to `None`: any number. A loop over tokens
            needs one.
        overwrite: Boolean. Whether a file at `path` is replaced.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: If the backend is not TensorFlow, the path is wrong or
            taken, a package of the extra `serving` is missing, or the model
            cannot be converted.
    """
    task_outputs.check_backend("A LiteRT file")
    outputs = task_outputs.task_outputs(model)
    path = converted_path.check(path, ".tflite", overwrite)
    is_whole = isinstance(batch_size, int) and not isinstance(batch_size, bool)
    if batch_size is not None and (not is_whole or batch_size < 1):
        raise ValueError(
            "`batch_size` must be an integer of at least 1, or None for any. "
            f"Received: batch_size={batch_size!r}"
        )
    part = task_outputs.part_of(model, outputs)
    try:
        content = _convert(part, batch_size, float16)
    # The converter's class of errors is private.
    except Exception as error:
        raise ValueError(_cannot(error, part, batch_size)) from error
    try:
        runtimes.try_out(runtimes.open_litert(content), model)
    except runtimes.MissingRuntime:
        raise
    except Exception as error:
        raise ValueError(
            "LiteRT cannot run what its converter made of this model. "
            f"Received: {error}. {_repair(str(error), part, batch_size)}"
        ) from error
    files.write_atomically(path, lambda file: file.write(content))
    return path


def _convert(part, batch_size, float16) -> bytes:
    import keras
    import tensorflow as tf

    def answer(inputs):
        return dict(part(task_outputs.features(part, inputs), training=False))

    archive = keras.export.ExportArchive()
    archive.track(part)
    archive.add_endpoint(
        _SIGNATURE, answer, [task_outputs.dense_signature(part, batch_size)]
    )
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=[_SIGNATURE]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        with _kept_back():
            return converter.convert()


@contextlib.contextmanager
def _kept_back():
    """Keeps back what the process writes to its standard error.

    The converter writes there, past Python, all that its error holds as well.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _cannot(error, part, batch_size) -> str:
    lines = _LINE.findall(str(error)) or str(error).strip().splitlines()
    # What follows the first line repeats it, or tells of other runtimes.
    reason = lines[0].strip() if lines else type(error).__name__
    return (
        f"LiteRT's converter cannot convert this model. Received: {reason}. "
        f"{_repair(reason, part, batch_size)}"
    )


def _repair(reason, part, batch_size) -> str:
    if any(layer.compute_dtype in _HALF for layer in part.layers):
        return (
            "It does not know layers that compute in 16 bits: build the model "
            "under the dtype policy float32 and load its weights; "
            "float16=True then stores them in 16 bits."
        )
    if batch_size is None and ("TensorList" in reason or "shape" in reason):
        return (
            "A loop over tokens, as of a CRF or a recurrent layer, needs a "
            "known number of examples: pass batch_size=1."
        )
    return "docs/serving.md lists what LiteRT does not know."
