"""Warm-up requests, which TensorFlow Serving runs before it accepts others.

The first call of a signature is slow, since TensorFlow initialises itself then.
The file is a TFRecord of TensorFlow Serving's `PredictionLog`.
"""

import importlib.util

from mtl_keras.messages import listed, unknown

FILE = "tf_serving_warmup_requests"
# TensorFlow Serving rejects a file with more.
_MOST_REQUESTS = 1000


def is_installed() -> bool:
    """Returns whether TensorFlow Serving's protocol buffers are installed."""
    return importlib.util.find_spec("tensorflow_serving") is not None


def requests(signatures, examples, preprocessor, model_name: str) -> list:
    """Returns one request per signature.

    Args:
        signatures: Sequence of `Signature`.
        examples: Dict of raw input name to a batch.
        preprocessor: Function from raw to dense inputs, or `None` if the
            examples are dense.
        model_name: String, the model's name on the server.

    Returns:
        List of `PredictionLog`.

    Raises:
        ValueError: If TensorFlow Serving's package is not installed, an input
            is missing, unknown or of another type, or there are too many
            signatures.
    """
    logs = _protocol_buffers()
    if len(signatures) > _MOST_REQUESTS:
        raise ValueError(
            f"TensorFlow Serving takes at most {_MOST_REQUESTS} warm-up "
            f"requests, one per signature. Received: {len(signatures)} "
            "signatures. Omit `examples`."
        )
    raw = _batch(signatures[0].inputs, examples)
    dense = _checked(signatures[0], raw, preprocessor)
    return [
        _log(logs, signature, raw if signature.is_raw else dense, model_name)
        for signature in signatures
    ]


def write(path, logs: list) -> None:
    """Writes requests.

    Args:
        path: `pathlib.Path` of the file.
        logs: List of `PredictionLog`.
    """
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def _protocol_buffers():
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError as error:
        raise ValueError(
            "`examples` need the package tensorflow-serving-api, for warm-up "
            "requests. Received: it cannot be imported "
            f"({error}). Install it: pip install 'mtl-keras[serving]', or "
            "omit `examples`."
        ) from error
    return prediction_log_pb2


def _checked(signature, raw, preprocessor):
    """Returns dense inputs, after running the request once.

    A request that fails would keep the server from loading the model.
    """
    import tensorflow as tf

    try:
        signature.function(raw)
        return raw if preprocessor is None else preprocessor(raw)[0]
    except tf.errors.OpError as error:
        raise ValueError(
            "`examples` must be valid inputs of the model. Received: "
            f"{error.message}"
        ) from error


def _batch(specs, examples) -> dict:
    import tensorflow as tf

    if not isinstance(examples, dict):
        raise ValueError(
            "`examples` must be a dict of input name to a batch. Its names "
            f"are {listed(specs)}. Received: {type(examples).__name__}"
        )
    for name in examples:
        if name not in specs:
            raise ValueError(
                unknown("input in `examples`", name, specs, sorted(examples))
            )
    missing = sorted(set(specs) - set(examples))
    if missing:
        raise ValueError(
            f"`examples` must have the inputs {listed(specs)}. Received: "
            f"{listed(examples)}, without {listed(missing)}"
        )
    batch = {}
    for name, spec in specs.items():
        try:
            batch[name] = _tensor(examples[name], spec)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"`examples[{name!r}]` must be a batch of {spec.dtype.name} "
                f"of shape {tuple(spec.shape)}. Received: {error}"
            ) from error
    sizes = {name: len(value) for name, value in batch.items()}
    if set(sizes.values()) != {next(iter(sizes.values()))} or 0 in (
        sizes.values()
    ):
        raise ValueError(
            "`examples` must have the same number of examples, at least one, "
            f"for each input. Received: {sizes}"
        )
    return {
        name: tf.ensure_shape(value, specs[name].shape)
        for name, value in batch.items()
    }


def _tensor(value, spec):
    import numpy as np
    import tensorflow as tf

    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    tensor = tf.convert_to_tensor(value, spec.dtype)
    if not spec.shape.is_compatible_with(tensor.shape):
        raise ValueError(f"shape {tuple(tensor.shape)}")
    return tensor


def _log(logs, signature, inputs, model_name):
    import tensorflow as tf

    log = logs.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature.name
    if not isinstance(inputs, dict):
        inputs = dict.fromkeys(signature.inputs, inputs)
    elif len(inputs) == 1:
        inputs = dict.fromkeys(signature.inputs, *inputs.values())
    for name in signature.inputs:
        value = tf.convert_to_tensor(inputs[name])
        proto = tf.make_tensor_proto(value.numpy(), value.dtype, value.shape)
        request.inputs[name].CopyFrom(proto)
    return log
