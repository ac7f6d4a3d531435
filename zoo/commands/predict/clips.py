"""Clips: found, given to a model, drawn as strips of their frames."""

from pathlib import Path

from zoo.commands.predict import images

# Frames of a strip, and how many stand in a row of it.
_FRAMES, _COLUMNS = 16, 8
# Pixels of a small frame's side in the drawing.
_SIDE = 128


def find_clips(names: list[str]) -> list[Path]:
    """Finds the clips that a command line names.

    Args:
        names: List of strings, each a GIF file, a folder of GIF files, or a
            folder of the frames of one clip.

    Returns:
        List of `pathlib.Path`, each a GIF file or a folder of frames.

    Raises:
        ValueError: If nothing is named, or a folder holds neither.
    """
    paths = []
    for name in names:
        path = Path(name)
        inside = images.find_images([name]) if path.is_dir() else []
        gifs = [file for file in inside if file.suffix.lower() == ".gif"]
        paths += gifs or [path]
    return list(dict.fromkeys(paths))


def ask(model):
    """Makes the function from a clip's frames to a model's outputs.

    Args:
        model: `MultiTaskModel` of the zoo that takes clips.

    Returns:
        Function of a list of a `pathlib.Path` and its frames, as `load_clip`
        reads them, that returns a dict of arrays.
    """
    import numpy as np

    def outputs_of(path, frames):
        del path
        inputs, context = model.preprocessor(frames[None])
        outputs = dict(model.predict(inputs, verbose=0))
        outputs |= model.postprocessor(outputs, context)
        return {key: np.asarray(value) for key, value in outputs.items()}

    return outputs_of


def ask_export(export):
    """Makes the function from a GIF file to an export's outputs.

    Args:
        export: `exported.Exported`, which reads the bytes of GIF files.

    Returns:
        Function of a `pathlib.Path` and its frames that returns a dict of
        arrays.
    """
    (name,) = export.inputs

    def outputs_of(path, frames):
        del frames
        if path.is_dir():
            raise ValueError(
                "An export reads clips from GIF files. Received: the folder "
                f"{str(path)!r}. Use --model, or write its frames as a GIF."
            )
        return export({name: [path.read_bytes()]})

    return outputs_of


def predict(ask, tasks: dict, paths: list[Path], output: Path) -> None:
    """Prints a line and draws a strip of frames for each clip.

    Args:
        ask: Function of a path and its frames that returns a dict of arrays.
        tasks: Dict of name to `Task`.
        paths: List of `pathlib.Path`, GIF files or folders of frames.
        output: `pathlib.Path` of the folder for the strips.

    Raises:
        ValueError: If clips cannot be read, after all others are drawn.
    """
    from mtl_keras import data, plots

    errors, targets = [], set()
    for index, path in enumerate(paths):
        try:
            frames = data.load_clip(path)
            outputs = ask(path, frames)
        except ValueError as error:
            errors.append(error)
            continue
        outputs = {key: value[0] for key, value in outputs.items()}
        print(f"{path}  {images.describe(outputs, tasks)}")
        target = output / f"{path.stem}.predicted.png"
        if target in targets:
            target = output / f"{path.name}.{index}.predicted.png"
        targets.add(target)
        drawn, _ = images.reduced(_with_band(strip(frames), frames.shape[1]))
        enlarge = max(_SIDE // max(frames.shape[1:3]), 1)
        plots.draw(drawn, tasks, outputs, target, enlarge=enlarge)
    if targets:
        print(f"Drawn in {output}")
    if errors:
        raise ValueError("\n".join(map(str, errors)))


def strip(frames):
    """Lays frames beside each other, in rows of eight.

    Args:
        frames: uint8 array of shape `(n, height, width, channels)`.

    Returns:
        uint8 array of shape `(rows * height, columns * width, channels)`, of
        at most 16 frames at equal distances.
    """
    import numpy as np

    number = min(len(frames), _FRAMES)
    chosen = frames[(2 * np.arange(number) + 1) * len(frames) // (2 * number)]
    columns = min(number, _COLUMNS)
    rows = -(-number // columns)
    height, width, channels = frames.shape[1:]
    whole = np.zeros((rows * columns, height, width, channels), np.uint8)
    whole[:number] = chosen
    grid = whole.reshape(rows, columns, height, width, channels)
    return grid.transpose(0, 2, 1, 3, 4).reshape(
        rows * height, columns * width, channels
    )


def _with_band(image, height: int):
    """Leaves room for the text above a strip: half of a frame's height."""
    import numpy as np

    return np.pad(image, ((height // 2, 0), (0, 0), (0, 0)))
