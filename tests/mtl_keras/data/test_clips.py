import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from mtl_keras import data
from mtl_keras.data import gif_frames
from tests.mtl_keras.data.hostile_files import animation


def frames_of(number, height=20, width=20, seed=0):
    """Random gray frames, of which no two are alike."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (number, height, width)).astype("uint8")


def gif(frames, **options):
    images = [Image.fromarray(frame) for frame in frames]
    file = io.BytesIO()
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], **options
    )
    return file.getvalue()


def _numbered(number, size=4):
    """Frames that show their own number, times 10."""
    levels = 10 * np.arange(number, dtype="uint8")
    return np.repeat(levels, size * size).reshape(number, size, size)


@pytest.mark.parametrize(
    "options", [{}, {"duration": 40, "loop": 0}, {"disposal": 2}]
)
def test_gif_gives_the_pixels_of_its_frames(options):
    frames = frames_of(5)
    preprocessor = data.ClipPreprocessor(5, 20, 20, 1)
    inputs, context = preprocessor({"clip": gif(frames, **options)})
    np.testing.assert_allclose(
        inputs["clip"], frames[..., None] / 255, atol=1e-6
    )
    assert int(context["num_frames"]) == 5
    assert context["size"].numpy().tolist() == [20, 20]


def test_frame_that_changes_a_part_is_drawn_over_the_one_before():
    frames = np.zeros((3, 20, 20), "uint8")
    frames[:, 0] = 50
    frames[1, 4:6, 4:6] = 100
    frames[2, 4:6, 4:6] = 200
    inputs, _ = data.ClipPreprocessor(3, 20, 20, 1)(gif(frames))
    np.testing.assert_allclose(
        inputs["clip"], frames[..., None] / 255, atol=1e-6
    )


@pytest.mark.parametrize(
    ("sampling", "number", "wanted", "expected"),
    [
        ("middle", 9, 3, [3, 4, 5]),
        ("middle", 16, 1, [8]),
        ("middle", 3, 3, [0, 1, 2]),
        ("middle", 2, 5, [0, 0, 1, 1, 1]),
        ("even", 9, 3, [1, 4, 7]),
        ("even", 2, 4, [0, 0, 1, 1]),
    ],
)
def test_frames_that_are_read(sampling, number, wanted, expected):
    preprocessor = data.ClipPreprocessor(wanted, 4, 4, 1, sampling)
    for clip in (gif(_numbered(number)), _numbered(number)[..., None]):
        inputs, _ = preprocessor(clip)
        shown = inputs["clip"].numpy()[:, 0, 0, 0] * 25.5
        assert np.rint(shown).astype(int).tolist() == expected


def test_frames_are_resized_as_images_are():
    frames = frames_of(3, 30, 50)
    clips = data.ClipPreprocessor(3, 16, 16, 1)
    images = data.ImagePreprocessor(16, 16, 1)
    received, _ = clips(frames[..., None])
    expected, _ = images(frames[..., None])
    np.testing.assert_allclose(received["clip"], expected["image"], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_those_of_an_image(channels):
    frames = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), "uint8")
    received, _ = data.ClipPreprocessor(2, 4, 4, channels)(frames)
    expected, _ = data.ImagePreprocessor(4, 4, channels)(frames)
    np.testing.assert_allclose(received["clip"], expected["image"], atol=1e-6)


def test_batch_gives_what_each_clip_gives():
    clips = [gif(frames_of(number, seed=number)) for number in (2, 5)]
    preprocessor = data.ClipPreprocessor(4, 8, 8, 1)
    inputs, context = preprocessor({"clip": tf.constant(clips)})
    assert inputs["clip"].shape == (2, 4, 8, 8, 1)
    assert context["num_frames"].numpy().tolist() == [2, 5]
    for index, clip in enumerate(clips):
        alone, _ = preprocessor(clip)
        np.testing.assert_array_equal(inputs["clip"][index], alone["clip"])


def test_later_frames_are_not_decoded():
    # 100 frames, of which TensorFlow would decode all.
    frames = gif_frames.decode(animation(100, 50), max_frames=3)
    assert frames.shape == (3, 50, 50, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 7,499"):
        gif_frames.decode(animation(100, 50), max_frames=3, max_pixels=7499)


def test_frame_larger_than_the_screen_counts_as_it_is():
    content = bytearray(animation(2, 50))
    struct.pack_into("<HH", content, 6, 1, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 4,999"):
        gif_frames.decode(bytes(content), max_pixels=4999)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "another file"),
        (b"text" * 9, "another file"),
        (gif(frames_of(2))[:30], "at least one frame"),
        (gif(frames_of(2))[:-300], "complete, with at least one frame"),
        (gif(frames_of(2))[:-1], "complete, with at least one frame"),
    ],
    ids=["empty", "text", "cut off in a header", "cut off", "no end"],
)
def test_other_bytes_are_refused(content, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        data.ClipPreprocessor(2, 8, 8, 1)(content)


def test_damaged_clips_are_read_or_refused():
    rng = np.random.default_rng(0)
    preprocessor = data.ClipPreprocessor(2, 8, 8, 1)
    valid = gif(frames_of(3))
    for _ in range(60):
        content = bytearray(valid)
        for place in rng.integers(0, 40 + 760 * rng.integers(2), 3):
            content[place] = rng.integers(256)
        if rng.integers(2):
            del content[rng.integers(len(content)) :]
        try:
            inputs, _ = preprocessor(bytes(content))
        except tf.errors.InvalidArgumentError:
            continue
        assert inputs["clip"].shape == (2, 8, 8, 1)


def test_config_makes_an_equal_preprocessor():
    made = data.ClipPreprocessor(4, 8, 9, 3, "even")
    assert data.ClipPreprocessor.from_config(made.get_config()) == made
    assert "'even'" in repr(made)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": 0}, "`frames`"),
        ({"channels": 2}, "1 .gray. or 3"),
        ({"sampling": "evn"}, "Did you mean 'even'"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    options = {"frames": 2, "height": 4, "width": 4, "channels": 1}
    with pytest.raises(ValueError, match=message):
        data.ClipPreprocessor(**options | arguments)


def test_wrong_raw_input_is_explained():
    with pytest.raises(ValueError, match="with 1 or 3 channels"):
        data.ClipPreprocessor(2, 4, 4, 1)(np.zeros((2, 4, 4), "uint8"))


def test_folder_of_frames_is_the_gif(tmp_path):
    frames = frames_of(11)
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(frames):
        # By numbers: by letters 10 would follow 1.
        Image.fromarray(frame).save(folder / f"frame{number}.png")
    (folder / "notes.txt").write_text("not a frame")
    path = tmp_path / "clip.gif"
    path.write_bytes(gif(frames))
    expected = np.repeat(frames[..., None], 3, axis=-1)
    np.testing.assert_array_equal(data.load_clip(folder), expected)
    np.testing.assert_array_equal(data.load_clip(path), expected)
    np.testing.assert_array_equal(data.load_clip(folder, 4), expected[:4])


def test_file_that_is_no_clip_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.gif").write_bytes(gif(frames_of(3)))
    (tmp_path / "text.gif").write_text("hello")
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for number, side in enumerate((4, 5)):
        Image.fromarray(frames_of(1, side, side)[0]).save(
            mixed / f"{number}.png"
        )
    for name, message in (
        ("a.gi", "Did you mean 'a.gif'"),
        ("empty", "which holds none"),
        ("text.gif", "text.gif'"),
        ("mixed", "one size, 4 x 4"),
    ):
        with pytest.raises(ValueError, match=message):
            data.load_clip(tmp_path / name)
    with pytest.raises(ValueError, match="at most 1,000"):
        data.load_clip(tmp_path / "a.gif", max_pixels=1000)
