import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mtl_keras.data import ImagePreprocessor, image_file, load_image

FORMATS = ["PNG", "JPEG", "BMP", "GIF"]


def picture(height=40, width=30):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3)).astype("uint8")


def contents(file_format, pixels=None):
    file = io.BytesIO()
    pixels = picture() if pixels is None else pixels
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


def declaring(file_format, height, width):
    """A small file whose header declares a picture of any size."""
    data = bytearray(contents(file_format))
    if file_format == "PNG":
        struct.pack_into(">II", data, 16, width, height)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    elif file_format == "JPEG":
        start = data.index(b"\xff\xc0") + 5
        struct.pack_into(">HH", data, start, height, width)
    elif file_format == "GIF":
        struct.pack_into("<HH", data, 6, width, height)
    else:
        struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


@pytest.mark.parametrize("file_format", ["PNG", "BMP"])
def test_pixels_are_those_that_were_written(tmp_path, file_format):
    path = tmp_path / "picture"
    path.write_bytes(contents(file_format))
    np.testing.assert_array_equal(load_image(path), picture())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("file_format", FORMATS)
def test_pixels_and_bytes_preprocess_alike(tmp_path, file_format, channels):
    path = tmp_path / "picture"
    path.write_bytes(contents(file_format))
    preprocessor = ImagePreprocessor(16, 16, channels)
    pixels = load_image(str(path), channels)
    assert pixels.shape == (40, 30, channels)
    assert pixels.dtype == np.uint8
    from_pixels, _ = preprocessor({"image": pixels})
    from_bytes, _ = preprocessor({"image": path.read_bytes()})
    np.testing.assert_array_equal(from_pixels["image"], from_bytes["image"])


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_declared_size_is_read_from_the_header(file_format):
    assert image_file.declared_size(contents(file_format)) == (40, 30)
    data = declaring(file_format, 30_000, 20_000)
    assert image_file.declared_size(data) == (30_000, 20_000)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_huge_picture_is_refused_before_it_is_decoded(
    tmp_path, monkeypatch, file_format
):
    path = tmp_path / "huge"
    path.write_bytes(declaring(file_format, 30_000, 30_000))

    def decode(*arguments):
        raise RuntimeError("decoded")

    monkeypatch.setattr(image_file, "_decoded", decode)
    with pytest.raises(ValueError, match="900,000,000 pixels"):
        load_image(path)


def test_the_limit_can_be_moved(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(contents("PNG"))
    assert load_image(path, max_pixels=1200).shape == (40, 30, 3)
    with pytest.raises(ValueError, match="at most 1,199 pixels"):
        load_image(path, max_pixels=1199)


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_named(tmp_path, file_format, share):
    whole = contents(file_format)
    path = tmp_path / "part"
    path.write_bytes(whole[: max(int(share * len(whole)), 3 * (share > 0))])
    with pytest.raises(ValueError, match="Received: .*part"):
        load_image(path)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_damaged_header_is_named(tmp_path, file_format):
    path = tmp_path / "damaged"
    path.write_bytes(declaring(file_format, 0, 0))
    with pytest.raises(ValueError, match="damaged"):
        load_image(path)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x00" * 100, b"<svg></svg>", b"RIFF....WEBP"]
)
def test_a_file_that_is_no_picture_is_named(tmp_path, data):
    path = tmp_path / "notes.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="bytes, which is not"):
        load_image(path)


def test_a_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        load_image(tmp_path)


def test_a_missing_file_is_named_and_guessed(tmp_path):
    (tmp_path / "digit.png").write_bytes(b"")
    with pytest.raises(ValueError, match="Did you mean 'digit.png'"):
        load_image(tmp_path / "digt.png")
    with pytest.raises(ValueError, match="does not exist"):
        load_image(tmp_path / "nowhere" / "digit.png")
