"""What a command line gives a model to read: files, or sentences."""

from pathlib import Path

from mtl_keras import files
from mtl_keras.messages import did_you_mean, listed

# The names of the preprocessors that read sentences.
SENTENCES = (
    "SentencePreprocessor",
    "SubwordPreprocessor",
    "TokenPreprocessor",
    "TokenSubwordPreprocessor",
)


def read(specs: dict, kind: str, operands: list[str]) -> dict:
    """Makes a batch of raw inputs of operands, an example each.

    Args:
        specs: Dict of raw input name to `tf.TensorSpec`.
        kind: String, the name of the preprocessor's class. Of one of
            `SENTENCES` the operands are sentences; of others with
            one input of strings, files, whose bytes are read; of others, JSON
            files, each `{"name": [value, ...], ...}`.
        operands: List of strings, at least one.

    Returns:
        Dict of raw input name to list.

    Raises:
        ValueError: If a file is missing or is no JSON of these inputs.
    """
    if kind in SENTENCES:
        return dict.fromkeys(specs, list(operands))
    if len(specs) == 1 and next(iter(specs.values())).dtype == "string":
        return dict.fromkeys(specs, [read_bytes(name) for name in operands])
    columns = {name: [] for name in specs}
    for operand in operands:
        for name, values in _columns(operand, specs).items():
            columns[name] += values
    return columns


def prepare(preprocessor, raw: dict) -> dict:
    """Makes a model's inputs of raw ones.

    Args:
        preprocessor: The model's.
        raw: Dict of raw input name to a batch.

    Returns:
        Dict of input name to array.

    Raises:
        ValueError: If the preprocessor cannot read one.
    """
    import numpy as np
    import tensorflow as tf

    specs = preprocessor.input_signature()
    try:
        inputs, _ = preprocessor(
            {name: tf.constant(raw[name], specs[name].dtype) for name in specs}
        )
    except tf.errors.OpError as error:
        raise ValueError(
            "Expected examples that the model's preprocessor can read. "
            f"Received: {error.message}"
        ) from error
    return {name: np.asarray(value) for name, value in inputs.items()}


def read_bytes(name: str) -> bytes:
    """Reads a file that a command line names.

    Args:
        name: String.

    Returns:
        Bytes.

    Raises:
        ValueError: If it is not a file.
    """
    path = Path(name)
    if not path.is_file():
        folder = path.parent
        beside = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        raise ValueError(
            f"Expected a file. Received: {name!r}, which is not one."
            f"{did_you_mean(path.name, beside)}"
        )
    return path.read_bytes()


def _columns(name, specs) -> dict:
    bytes_of_file = read_bytes(name)
    try:
        content = files.parse_json_object(bytes_of_file)
    except ValueError as error:
        raise ValueError(
            f"Expected a JSON file. Received: {name!r}: {error}"
        ) from error
    is_table = all(isinstance(values, list) for values in content.values())
    if not is_table or set(content) != set(specs):
        raise ValueError(
            f"Expected a JSON object with a list for each of {listed(specs)}. "
            f"Received: {name!r} with {str(sorted(content))[:200]}"
        )
    return content
