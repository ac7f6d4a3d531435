"""Clips on the command line: GIF files, folders of them, folders of frames."""

import io

import numpy as np
import pytest
from PIL import Image

from mtl_keras import Task
from zoo.commands.predict import clips

_TASKS = {
    "cls": Task("cls", "classification", class_names=("slow", "fast")),
    "speed": Task("speed", "regression"),
}


def _frames(number=3, level=90):
    return np.full((number, 8, 10), level, "uint8")


def _gif(frames):
    images = [Image.fromarray(frame) for frame in frames]
    # Alike frames would become one.
    images = [image.copy() for image in images]
    file = io.BytesIO()
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], duration=40
    )
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        frames = rng.integers(0, 256, (3, 8, 10), "uint8")
        (tmp_path / f"{name}.gif").write_bytes(_gif(frames))
    (tmp_path / "frames").mkdir()
    for number, frame in enumerate(_frames()):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{number}.png")
    return tmp_path


def _ask(path, frames):
    del path
    return {
        "cls": np.array([[0.25, 0.75]]),
        "cls_name": np.array([b"fast"]),
        "cls_score": np.array([0.75]),
        "speed": np.array([[len(frames) / 2]]),
    }


def test_folder_of_gifs_is_several_clips_and_one_of_frames_is_one(folder):
    found = clips.find_clips([str(folder), str(folder / "frames")])
    assert [path.name for path in found] == ["a.gif", "b.gif", "frames"]


def test_each_clip_gets_a_line_and_a_strip(folder, capsys):
    paths = [folder / "a.gif", folder / "frames", folder / "missing.gif"]
    with pytest.raises(ValueError, match="missing.gif"):
        clips.predict(_ask, _TASKS, paths, folder / "drawn")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{paths[0]}  cls fast 0.75  speed 1.5"
    assert lines[1].endswith("frames  cls fast 0.75  speed 1.5")
    drawn = sorted(path.name for path in (folder / "drawn").iterdir())
    assert drawn == ["a.predicted.png", "frames.predicted.png"]


def test_strip_shows_frames_row_by_row():
    frames = np.arange(20, dtype="uint8")[:, None, None, None]
    frames = np.broadcast_to(frames, (20, 2, 3, 3))
    strip = clips.strip(frames)
    assert strip.shape == (4, 24, 3)
    shown = strip[::2, ::3, 0]
    expected = (2 * np.arange(16) + 1) * 20 // 32
    np.testing.assert_array_equal(shown, expected.reshape(2, 8))
    assert clips.strip(frames[:3]).shape == (2, 9, 3)


def test_export_reads_no_folder_of_frames(folder):
    class Export:
        inputs = {"clip": None}

        def __call__(self, raw):
            return raw

    ask = clips.ask_export(Export())
    gif = folder / "a.gif"
    assert ask(gif, None) == {"clip": [gif.read_bytes()]}
    with pytest.raises(ValueError, match="from GIF files"):
        ask(folder / "frames", None)
