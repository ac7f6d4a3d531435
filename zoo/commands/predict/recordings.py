"""Recordings: found, given to a model, drawn with its outputs."""

from pathlib import Path

from zoo.commands.predict import images, operands

ENDINGS = (".wav",)
_BATCH_SIZE = 32


def find_recordings(names: list[str]) -> list[Path]:
    """Finds the wav files that a command line names; see `operands.find`."""
    return operands.find(names, ENDINGS, "recording")


def ask(model):
    """Makes the function from files' bytes to a model's outputs.

    Args:
        model: `MultiTaskModel` of the zoo that takes recordings.

    Returns:
        Function of a list of bytes that returns a dict of arrays: each task's
        output, what the postprocessor decodes, and the spectrograms, named as
        the model's input.
    """
    import numpy as np
    import tensorflow as tf

    def outputs_of(files):
        inputs, context = model.preprocessor(tf.constant(files))
        outputs = dict(model.predict(inputs, batch_size=len(files), verbose=0))
        outputs |= model.postprocessor(outputs, context)
        outputs |= inputs
        return {key: np.asarray(value) for key, value in outputs.items()}

    return outputs_of


def predict(
    ask, tasks: dict, paths: list[Path], output: Path, preprocessor=None
) -> None:
    """Prints a line for each recording, and draws its spectrogram.

    Args:
        ask: Function of a list of bytes that returns a dict of arrays.
        tasks: Dict of name to `Task`.
        paths: List of `pathlib.Path`, the wav files.
        output: `pathlib.Path` of the folder for the drawn spectrograms.
        preprocessor: `AudioPreprocessor` whose spectrograms are among the
            outputs. Defaults to `None`, an export's: nothing is drawn.

    Raises:
        ValueError: If files cannot be read, after all others are predicted.
    """
    # A ValueError of the server would not name the file.
    from zoo.datasets.folders import recordings

    errors, readable = [], []
    for path in paths:
        try:
            recordings.check(path)
            readable.append(path)
        except ValueError as error:
            errors.append(f"{path}: {error}")
    targets = _targets(readable, output)
    for start in range(0, len(readable), _BATCH_SIZE):
        batch = readable[start : start + _BATCH_SIZE]
        outputs = ask([path.read_bytes() for path in batch])
        for index, path in enumerate(batch):
            row = {key: value[index] for key, value in outputs.items()}
            line = images.describe(row, tasks)
            print(f"{path}  {line}")
            if preprocessor is not None:
                _draw(row, line, preprocessor, targets[path])
    if readable and preprocessor is not None:
        print(f"Drawn in {output}")
    if errors:
        raise ValueError("\n".join(errors))


def _targets(paths, output) -> dict:
    """Names the drawing of each recording; files of a name are numbered."""
    targets = {}
    for path in paths:
        number = sum(other.stem == path.stem for other in targets)
        suffix = f".{number}" if number else ""
        targets[path] = output / f"{path.stem}{suffix}.predicted.png"
    return targets


def _draw(row, line, preprocessor, target):
    from mtl_keras import plots

    plots.spectrogram(
        row[preprocessor.name],
        target,
        title=line,
        seconds=preprocessor.seconds,
    )
