import subprocess
import sys

import pytest

from mtl_keras.plots import figure as paper
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


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(ValueError, match="not a folder"):
        paper.checked_path(tmp_path)


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'\.png'.*a\.jpg.*a\.png"):
        paper.checked_path(tmp_path / "a.jpg")


def test_a_failure_leaves_the_old_picture(tmp_path):
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
