"""Exports a model as an ONNX file."""

import contextlib
import logging
import pathlib

import numpy as np

from mtl_keras.export import conversion, onnx_names, task_outputs

_REPAIR = "docs/serving.md lists what ONNX does not support."


def onnx(model, path, *, overwrite: bool = False) -> pathlib.Path:
    """Writes a model, without its preprocessing, as an ONNX file.

    Inputs are named as the model's, outputs by task; any batch size works. The
    file is run once before it is saved.

    Args:
        model: Functional `keras.Model`, such as a `MultiTaskModel`, whose
            outputs are one flat dict of task name to tensor.
        path: String or `pathlib.Path` of the file, ending in `.onnx`.
        overwrite: Boolean. Whether a file at `path` is replaced.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: If the backend is not TensorFlow, the path is wrong or
            exists, a package of the extra `serving` is missing, or the model
            cannot be converted.
    """
    path, part = conversion.prepare(model, path, ".onnx", overwrite)
    onnx_names.check([tensor.name for tensor in part.inputs], part.output)
    converter = _converter()
    with _messages() as errors:
        try:
            proto = _convert(converter, part)
        # tf2onnx raises many classes, its own and Python's.
        except Exception as error:
            raise ValueError(_cannot([*errors, str(error)])) from error
    if errors:
        # It leaves unsupported operations in the file and only logs them.
        raise ValueError(_cannot(errors))
    conversion.save(
        proto.SerializeToString(), path, model, lambda reason: _REPAIR
    )
    return path


def _converter():
    try:
        import tf2onnx.convert
    except ImportError as error:
        raise ValueError(
            "ONNX files need the packages onnx and tf2onnx. "
            f"Received: they cannot be imported ({error}). Install them: "
            "pip install 'mtl-keras[serving]'."
        ) from error
    return tf2onnx


def _convert(tf2onnx, part):
    import tensorflow as tf

    # tf2onnx renames an input "inputs" to "inputs_inputs", and others that
    # resemble names of operations: the model's own names are restored later.
    inputs = {
        f"input_of_model_{index}": name
        for index, name in enumerate(task_outputs.dense_signature(part))
    }
    outputs = {
        f"output_of_model_{index}": name
        for index, name in enumerate(part.output)
    }
    specs = task_outputs.dense_signature(part)
    signature = {
        inner: tf.TensorSpec(specs[name].shape, specs[name].dtype, name=inner)
        for inner, name in inputs.items()
    }

    @tf.function(input_signature=[signature], autograph=False)
    def compute(tensors):
        by_name = {inputs[inner]: value for inner, value in tensors.items()}
        values = part(task_outputs.features(part, by_name), training=False)
        return {inner: values[name] for inner, name in outputs.items()}

    proto, _ = tf2onnx.convert.from_function(
        compute,
        input_signature=[signature],
        # Keras's `gelu` uses it, and tf2onnx 1.17 has no erfc.
        custom_op_handlers={"Erfc": (_complementary_error_function, [])},
    )
    for value in [*proto.graph.input, *proto.graph.output]:
        # tf2onnx names each unknown size differently.
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx_names.rename(proto.graph, inputs | outputs)
    return proto


def _complementary_error_function(graph, node, name, arguments):
    """Writes `erfc(x)` as `1 - erf(x)`."""
    (shape,), (dtype,) = node.output_shapes, node.output_dtypes
    one = graph.make_const(f"{name}_one", np.array(1.0, "float32"))
    erf = graph.make_node("Erf", node.input)
    graph.remove_node(name)
    graph.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        outputs=node.output,
        name=name,
        shapes=[shape],
        dtypes=[dtype],
    )


@contextlib.contextmanager
def _messages():
    """Collects the errors that tf2onnx logs, and silences its log."""
    errors = []

    class Collect(logging.Handler):
        """Keeps errors and drops all other records."""

        def emit(self, record):
            if record.levelno >= logging.ERROR:
                errors.append(record.getMessage())

    handler = Collect()
    # TensorFlow warns of lookup tables, which dense inputs do not use.
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    settings = [(logger.level, logger.propagate) for logger in loggers]
    old_handlers = [list(logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.handlers = [handler]
        logger.propagate = False
    try:
        yield errors
    finally:
        for logger, handlers, (level, propagate) in zip(
            loggers, old_handlers, settings, strict=True
        ):
            logger.handlers = handlers
            logger.level = level
            logger.propagate = propagate


def _cannot(errors) -> str:
    lines = dict.fromkeys(
        line.strip() for error in errors for line in error.splitlines()[:1]
    )
    return (
        "tf2onnx cannot convert this model to ONNX. Received: "
        f"{'; '.join(lines)}. {_REPAIR}"
    )
