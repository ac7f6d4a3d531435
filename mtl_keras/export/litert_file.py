"""Exports a model as a LiteRT file, for phones and small devices."""

import contextlib
import os
import pathlib
import re
import sys
import tempfile

from mtl_keras import checks
from mtl_keras.export import conversion, task_outputs

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
    """Writes a model, without its preprocessing, as a LiteRT file.

    Inputs are named as the model's, outputs by task. Only LiteRT's built-in
    operations are used, so that its small runtime is sufficient. The file is
    run once before it is saved.

    Args:
        model: Functional `keras.Model`, such as a `MultiTaskModel`, whose
            outputs are one flat dict of task name to tensor.
        path: String or `pathlib.Path` of the file, ending in `.tflite`.
        float16: Boolean, whether the weights are stored in 16 bits: half the
            size, and outputs that differ slightly (see `compare`). Defaults
            to `False`.
        batch_size: Integer, the only batch size that the file accepts.
            Defaults to `None`, any. Models with a loop over tokens need one.
        overwrite: Boolean. Whether a file at `path` is replaced.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: If the backend is not TensorFlow, the path is wrong or
            exists, a package of the extra `serving` is missing, or the model
            cannot be converted.
    """
    path, part = conversion.prepare(model, path, ".tflite", overwrite)
    task_outputs.check_input_names(model)
    if batch_size is not None:
        batch_size = checks.integer("batch_size", batch_size, low=1)
    try:
        content = _convert(part, batch_size, float16)
    # The class of the converter's errors is private.
    except Exception as error:
        raise ValueError(_cannot(error, part, batch_size)) from error
    conversion.save(
        content, path, model, lambda reason: _repair(reason, part, batch_size)
    )
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
        with _silent_stderr():
            return converter.convert()


@contextlib.contextmanager
def _silent_stderr():
    """Discards what the process writes to its standard error.

    The converter writes there from C++ what its error contains too.
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
    # The other lines repeat the first or mention other runtimes.
    reason = lines[0].strip() if lines else type(error).__name__
    return (
        f"LiteRT's converter cannot convert this model. Received: {reason}. "
        f"{_repair(reason, part, batch_size)}"
    )


def _repair(reason, part, batch_size) -> str:
    if any(layer.compute_dtype in _HALF for layer in part.layers):
        return (
            "Layers that compute in 16 bits are not supported: build the model "
            "under the dtype policy float32 and load its weights. "
            "float16=True stores them in 16 bits."
        )
    if batch_size is None and ("TensorList" in reason or "shape" in reason):
        return (
            "A loop over tokens, as in a CRF or a recurrent layer, needs a "
            "fixed batch size: pass batch_size=1."
        )
    return "docs/serving.md lists what LiteRT does not support."
