"""What a header declares is what a decoder would make room for."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from mtl_keras.data import ImagePreprocessor, image_header
from tests.mtl_keras.data import hostile_files as files


def noise(height, width):
    rng = np.random.default_rng(height)
    return rng.integers(0, 256, (height, width)).astype("uint8")


def frames(*pictures, **options):
    images = [Image.fromarray(picture) for picture in pictures]
    file = io.BytesIO()
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], **options
    )
    return file.getvalue()


def extended(gif, *extensions):
    start = files.frame_at(gif)
    return gif[:start] + b"".join(extensions) + gif[start:]


def in_small_blocks(gif):
    """The same picture with its data in blocks of one byte."""
    place = files.frame_at(gif) + 11
    data = b""
    while gif[place]:
        data += gif[place + 1 : place + 1 + gif[place]]
        place += 1 + gif[place]
    blocks = b"".join(b"\1" + bytes([value]) for value in data)
    return gif[: files.frame_at(gif) + 11] + blocks + gif[place:]


def decoded(gif):
    alone = image_header.checked(gif)
    with Image.open(io.BytesIO(alone.numpy())) as image:
        assert getattr(image, "n_frames", 1) == 1
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (97, 101), (300, 300)])
def test_the_first_frame_of_a_gif_is_left_alone(size):
    first = noise(*size)
    for gif in (
        frames(first),
        frames(first, 255 - first, first // 2, loop=0),
        frames(first, 255 - first, comment=b"x" * 1000),
        in_small_blocks(files.written(first, "GIF")),
    ):
        np.testing.assert_array_equal(decoded(gif), first)


def test_extensions_before_the_first_frame():
    first = noise(20, 20)
    comment = b"\x21\xfe\x03abc\x00"
    gif = files.written(first, "GIF")
    np.testing.assert_array_equal(decoded(extended(gif, comment)), first)
    for many in ([comment] * 65, [comment] * 100_000):
        with pytest.raises(tf.errors.InvalidArgumentError, match="damaged"):
            image_header.checked(extended(gif, *many))


def test_the_end_of_a_gif_may_be_missing():
    first = noise(20, 20)
    whole = frames(first, 255 - first)
    start = files.frame_at(whole)
    # In the middle of the second frame.
    cut = whole[: start + (len(whole) - start) * 3 // 4]
    np.testing.assert_array_equal(decoded(cut), first)


def test_a_gif_is_as_large_as_its_screen_and_its_frame():
    gif = bytearray(files.written(noise(20, 30), "GIF"))
    struct.pack_into("<HH", gif, 6, 8, 50)
    _, size, _ = image_header.read(bytes(gif))
    np.testing.assert_array_equal(size, [50, 30])


def test_the_size_stands_in_the_first_chunk_of_a_png():
    # libpng would skip the unknown chunk, and find 30,000 x 30,000 behind it.
    png = files.declaring("PNG", 30_000, 30_000)
    small = b"ABCD" + struct.pack(">II", 8, 8)
    other = png[:8] + struct.pack(">I", 8) + b"abCd" + small[4:] + b"\0" * 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="damaged"):
        image_header.checked(other + png[8:])


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP"])
def test_the_limit_is_the_largest_number_of_pixels(file_format):
    contents = files.image_file(file_format, 20, 30)
    image_header.checked(contents, 600)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 599"):
        image_header.checked(contents, 599)
    preprocessor = ImagePreprocessor(8, 8, 1, max_pixels=599)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 599"):
        preprocessor(contents)
    again = ImagePreprocessor.from_config(preprocessor.get_config())
    assert again == preprocessor
    assert repr(again).endswith("max_pixels=599)")


@pytest.mark.parametrize("length", range(0, 60, 3))
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP"])
def test_a_header_may_end_anywhere(file_format, length):
    contents = files.image_file(file_format)[:length]
    with pytest.raises(tf.errors.InvalidArgumentError):
        ImagePreprocessor(8, 8, 3)(contents)
