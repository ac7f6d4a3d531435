"""Large images are drawn small, with their boxes in the right place."""

import subprocess
import sys

import numpy as np
import pytest

from zoo.commands.predict import images


@pytest.mark.parametrize("shape", [(7, 5, 3), (4, 9, 1), (9, 9, 3)])
def test_pixels_are_means_of_blocks(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    small, scale = images.reduced(image, 3)
    block = -(-max(shape[:2]) // 3)
    assert max(small.shape[:2]) <= 3
    for row in range(shape[0] // block):
        for column in range(shape[1] // block):
            part = image[
                row * block : (row + 1) * block,
                column * block : (column + 1) * block,
            ]
            expected = part.reshape(-1, shape[2]).astype(int).sum(0)
            np.testing.assert_array_equal(
                small[row, column], expected // block**2
            )
    # The lower right corner stays the lower right corner.
    corner = np.array([shape[1], shape[0]] * 2) * scale
    assert corner.tolist() == [small.shape[1], small.shape[0]] * 2


def test_small_image_is_left_as_it_is():
    image = np.zeros((8, 6, 3), "uint8")
    same, scale = images.reduced(image, 8)
    assert same is image
    assert scale.tolist() == [1.0] * 4


_DRAW = """
import sys, pathlib
import numpy as np
from mtl_keras import Task
from mtl_keras.profiling import cost
from zoo.commands.predict import images
folder = pathlib.Path(sys.argv[1])
tasks = {"box": Task("box", "box")}
def ask(files):
    pixels = np.array([[1999.75, 0, 6000, 7999]])
    return {"box": np.zeros((1, 4)), "box_pixels": pixels}
images.predict(ask, tasks, [folder / "large.png"], folder / "drawn")
# Not `ru_maxrss`, which would be that of the process that started this one.
print(cost.peak_memory())
"""


@pytest.mark.slow
def test_large_image_is_drawn_in_bounded_memory(tmp_path):
    import tensorflow as tf

    large = tf.zeros((8000, 7999, 1), tf.uint8)
    content = tf.io.encode_png(large, compression=9).numpy()
    (tmp_path / "large.png").write_bytes(content)
    del large
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *_, peak = done.stdout.splitlines()
    # TensorFlow alone takes 0.5 GB, and the decoded image 0.2 GB.
    assert int(peak) < 2e9
    (drawn,) = (tmp_path / "drawn").iterdir()
    pixels = tf.io.decode_png(drawn.read_bytes(), channels=3).numpy()
    assert pixels.shape == (2000, 2000, 3)
    # A line of the box is drawn at a quarter of the width.
    lit = pixels[1500].max(-1) > 0
    assert 480 < np.flatnonzero(lit)[0] < 520
    assert 1480 < np.flatnonzero(lit)[-1] < 1520
