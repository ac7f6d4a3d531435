import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import plots


def _pixels(path):
    return tf.io.decode_png(path.read_bytes(), channels=3).numpy().astype(int)


def test_loud_band_is_bright_at_its_place(tmp_path):
    sound = np.full((40, 20), -13.0, "float32")
    # High, and in the first quarter of the time.
    sound[:10, 15:] = 2.0
    path = plots.spectrogram(
        sound, tmp_path / "new" / "a.png", "seven 0.9", 1.0
    )
    pixels = _pixels(path)
    # Left of the colour bar.
    part = pixels[40:, 60:500].sum(-1)
    bright = (part > 600) & (part < 765)
    rows, columns = np.nonzero(bright & (np.ptp(pixels[40:, 60:500], -1) > 20))
    assert len(rows) > 2000
    assert rows.max() < part.shape[0] / 2
    assert columns.max() < part.shape[1] / 3


def test_title_is_drawn(tmp_path):
    sound = np.zeros((4, 3), "float32")
    sound[0] = 1.0
    with_title = plots.spectrogram(sound, tmp_path / "a.png", "three")
    without = plots.spectrogram(sound, tmp_path / "b.png")
    assert (_pixels(with_title) != _pixels(without)).any()


@pytest.mark.parametrize("shape", [(5,), (2, 5, 1), (0, 3)])
def test_wrong_shape_is_refused(tmp_path, shape):
    with pytest.raises(ValueError, match=r"\(frames, bands\). Received: sha"):
        plots.spectrogram(np.zeros(shape), tmp_path / "a.png")
