import itertools
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mtl_keras.plots import figure as paper
from mtl_keras.plots import marks
from tests.mtl_keras.plots.scenes import read_png


def test_importing_plots_imports_nothing_heavy():
    code = (
        "import sys, mtl_keras\n"
        "mtl_keras.plots.curves\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'matplotlib'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) "
        "else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_drawing_leaves_pyplot_and_the_backend_alone(tmp_path):
    code = (
        "import sys, matplotlib\n"
        "from mtl_keras import plots\n"
        "seen = lambda: [str(matplotlib.rcParams[name])\n"
        # To ask for the backend is to import pyplot.
        "    for name in sorted(matplotlib.rcParams) if name != 'backend']\n"
        "before = seen()\n"
        f"plots.curves([{{'loss': 1.0}}], {str(tmp_path / 'a.png')!r})\n"
        "sys.exit('matplotlib.pyplot' in sys.modules "
        "or 'keras' in sys.modules or before != seen())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("size", [(1, 1), (113, 57), (641, 480), (1201, 999)])
def test_a_figure_has_the_size_asked_for(tmp_path, size):
    with paper.new_figure(*size) as figure:
        path = paper.save(figure, tmp_path / "a.png")
    assert read_png(path).shape == (size[1], size[0], 3)


def test_a_folder_is_not_a_figure(tmp_path):
    with pytest.raises(ValueError, match="not a folder"):
        paper.checked_path(tmp_path)


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'\.png'.*a\.jpg.*a\.png"):
        paper.checked_path(tmp_path / "a.jpg")


def test_a_failure_leaves_the_old_figure(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with paper.new_figure(10, 10) as figure:

        def fail(file, metadata):
            file.write(b"half")
            raise OSError("disk full")

        figure.canvas.print_png = fail
        with pytest.raises(OSError, match="disk full"):
            paper.save(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_cut_to_the_width():
    text = "a name that is too long"
    assert paper.shortened(text, 1000, 14) == text
    cut = paper.shortened(text, 80, 14)
    assert cut.endswith("…")
    assert paper.text_width(cut, 14) <= 80
    assert paper.shortened(text, 0, 14) == "…"


def linear(colour):
    """The colour's linear RGB, by the definition of sRGB."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast_on_white(colour):
    """The contrast ratio of WCAG 2."""
    return 1.05 / (linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05)


@pytest.mark.parametrize(
    "colour",
    [
        paper.INK,
        paper.FAINT,
        *paper.TASK_COLOURS,
        *marks._TEXT_COLOURS.values(),
    ],
)
def test_text_is_readable_on_white(colour):
    assert contrast_on_white(colour) >= 4.5


# Machado, Oliveira and Fernandes (2009), severity 1.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def cielab(rgb):
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "colours", [paper.TASK_COLOURS, tuple(marks._BOX_COLOURS.values())]
)
def test_colours_differ_for_the_colour_blind(vision, colours):
    seen = [cielab(VISION[vision] @ linear(colour)) for colour in colours]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 10
