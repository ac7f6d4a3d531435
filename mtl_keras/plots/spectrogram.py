"""A recording's spectrogram, with a model's outputs above it."""

import pathlib

import numpy as np

from mtl_keras.plots import figure as paper

_WIDTH, _HEIGHT = 640, 320


def spectrogram(
    sound, path, title: str | None = None, seconds: float | None = None
) -> pathlib.Path:
    """Draws the spectrogram that a model reads.

    Args:
        sound: Array of shape `(frames, bands)`, such as
            `AudioPreprocessor` makes: the logarithm of the power.
        path: String or path of the `.png` file to write; missing folders are
            made.
        title: String, such as a model's outputs. Defaults to none.
        seconds: Float, the time that the frames cover, for the axis. Defaults
            to `None`: frames are counted.

    Returns:
        Path of the figure.

    Raises:
        ValueError: If the shape is wrong, or the path is a folder or not a
            `.png`.
    """
    path = paper.checked_path(path)
    sound = np.asarray(sound, "float32")
    if sound.ndim != 2 or not sound.size:
        raise ValueError(
            "`sound` must have the shape (frames, bands). Received: shape "
            f"{sound.shape}"
        )
    with paper.new_figure(_WIDTH, _HEIGHT) as figure:
        axes = figure.add_subplot()
        image = axes.imshow(
            sound.T,
            aspect="auto",
            cmap="magma",
            extent=(0, seconds or sound.shape[0], 0, sound.shape[1]),
            interpolation="nearest",
            origin="lower",
        )
        axes.set_xlabel("frame" if seconds is None else "seconds")
        axes.set_ylabel("mel band")
        bar = figure.colorbar(image, ax=axes, label="log power")
        bar.outline.set_visible(False)
        paper.write_title(figure, title)
        return paper.save(figure, path)
