"""Runs LiteRT and ONNX files in their own runtimes, without TensorFlow."""

import pathlib

import numpy as np

_INSTALL = "Install it: pip install 'mtl-keras[serving]'."


class Runtime:
    """A loaded converted model.

    Attributes:
        inputs: Dict of input name to the shape of a batch, a tuple with `None`
            for any size.
        outputs: List of strings, the tasks.
    """

    def __init__(self, inputs: dict, outputs: list, run):
        self.inputs = inputs
        self.outputs = outputs
        self._run = run

    @property
    def batch_size(self) -> int | None:
        """The fixed batch size of the file, or `None` for any."""
        return next(iter(self.inputs.values()))[0]

    def __call__(self, inputs: dict) -> dict:
        """Computes the outputs of a batch of any size.

        A file with a fixed batch size is run several times, the last time
        with repeated examples.

        Args:
            inputs: Dict of input name to array of shape `(batch, ...)`.

        Returns:
            Dict of task name to array of shape `(batch, ...)`.
        """
        inputs = {name: np.asarray(inputs[name]) for name in self.inputs}
        size = self.batch_size
        num_examples = len(next(iter(inputs.values())))
        if size is None or size == num_examples:
            return self._run(inputs)
        rows = np.arange(-(-num_examples // size) * size)
        rows = np.minimum(rows, num_examples - 1)
        outputs = [
            self._run({name: value[part] for name, value in inputs.items()})
            for part in np.split(rows, len(rows) // size)
        ]
        return {
            name: np.concatenate([output[name] for output in outputs])[
                :num_examples
            ]
            for name in self.outputs
        }


def open_file(path) -> Runtime:
    """Opens a converted file.

    Args:
        path: String or `pathlib.Path`, ending in `.tflite` or `.onnx`.

    Returns:
        `Runtime`.

    Raises:
        ValueError: If the file does not exist, has another ending or is
            damaged, or its runtime is not installed.
    """
    path = pathlib.Path(path)
    if path.suffix not in _OPENERS:
        raise ValueError(
            "Expected a file that ends in .tflite or .onnx. "
            f"Received: {str(path)!r}"
        )
    if not path.is_file():
        raise ValueError(
            f"Expected a {path.suffix} file. Received: {str(path)!r}, which "
            "is not a file. Write it first, with `export.litert` or "
            "`export.onnx`."
        )
    try:
        return open_content(path.read_bytes(), path.suffix)
    except MissingRuntime:
        raise
    # Some of the runtimes' errors derive directly from Exception.
    except Exception as error:
        raise ValueError(
            f"Expected a complete {path.suffix} file. Received: {str(path)!r}, "
            f"which its runtime cannot read: {error}"
        ) from error


def open_content(content: bytes, ending: str) -> Runtime:
    """Opens the content of a converted file.

    Args:
        content: Bytes.
        ending: String, `".tflite"` or `".onnx"`.

    Returns:
        `Runtime`.

    Raises:
        MissingRuntime: If the runtime is not installed.
    """
    return _OPENERS[ending](content)


class MissingRuntime(ValueError):
    """A runtime is not installed."""


def open_litert(content: bytes) -> Runtime:
    """Opens the content of a LiteRT file.

    Args:
        content: Bytes.

    Returns:
        `Runtime`.

    Raises:
        MissingRuntime: If LiteRT is not installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingRuntime(_missing("LiteRT", "ai-edge-litert", error)) from (
            error
        )
    interpreter = Interpreter(model_content=content)
    (signature,) = interpreter.get_signature_list().values()
    runner = interpreter.get_signature_runner()
    inputs = {
        name: _shape(detail["shape_signature"])
        for name, detail in runner.get_input_details().items()
    }
    # The runner belongs to the interpreter, which must not be freed.
    return Runtime(
        inputs,
        sorted(signature["outputs"]),
        lambda batch, _keep=interpreter: runner(**batch),
    )


def open_onnx(content: bytes) -> Runtime:
    """Opens the content of an ONNX file.

    Args:
        content: Bytes.

    Returns:
        `Runtime`, on the CPU.

    Raises:
        MissingRuntime: If ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingRuntime(_missing("ONNX", "onnxruntime", error)) from error
    options = onnxruntime.SessionOptions()
    # Errors are raised; the log would only repeat them.
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"]
    )
    names = sorted(output.name for output in session.get_outputs())

    def run(batch):
        return dict(zip(names, session.run(names, batch), strict=True))

    inputs = {value.name: _shape(value.shape) for value in session.get_inputs()}
    return Runtime(inputs, names, run)


def try_out(runtime: Runtime, model) -> None:
    """Runs a converted model on batches of 1 and of 3 zero examples.

    Some files can be converted but not run (see docs/serving.md).

    Args:
        runtime: `Runtime`.
        model: Functional `keras.Model` from which it was made.

    Raises:
        Exception: As raised by the runtime.
        ValueError: If an output has too few examples.
    """
    for num_examples in (1, 3):
        batch = {
            tensor.name: np.zeros(
                [num_examples, *(size or 4 for size in tensor.shape[1:])],
                "S1" if tensor.dtype == "string" else tensor.dtype,
            )
            for tensor in model.inputs
        }
        for name, output in runtime(batch).items():
            if len(output) != num_examples:
                raise ValueError(
                    f"{len(output)} outputs of {name!r} for {num_examples} "
                    "examples"
                )


def _shape(sizes) -> tuple:
    """Returns a shape; LiteRT stores -1 for any size, ONNX a name."""
    return tuple(
        int(size)
        if isinstance(size, int | np.integer) and int(size) >= 0
        else None
        for size in sizes
    )


def _missing(what, package, error) -> str:
    return (
        f"{what} files need the package {package}. Received: it cannot "
        f"be imported ({error}). {_INSTALL}"
    )


_OPENERS = {".onnx": open_onnx, ".tflite": open_litert}
