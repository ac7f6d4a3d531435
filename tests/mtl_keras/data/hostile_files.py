"""Builds valid and invalid files, and table rows, for the hostile inputs."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

RATE = 8000
COLUMNS = {"age": (40.0, 10.0), "income": (5.0, 2.0)}
JOBS = ("baker", "nurse")


def strings(name, *values):
    array = np.empty(len(values), object)
    array[:] = values
    return {name: array}


def image_file(file_format="PNG", height=20, width=30, **options):
    rng = np.random.default_rng(height)
    pixels = rng.integers(0, 256, (height, width, 3)).astype("uint8")
    return written(pixels, file_format, **options)


def written(pixels, file_format="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


def png(height, width, depth, rows):
    """A PNG of colours by hand: `rows` are its bytes before compression."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def frame_at(gif):
    """Where the first frame of a plain GIF begins."""
    return gif.index(b"\x2c", 13 + 3 * (2 << (gif[10] & 7)))


def declaring(file_format, height, width):
    """A small file that declares any size."""
    data = bytearray(image_file(file_format))
    if file_format == "PNG":
        struct.pack_into(">II", data, 16, width, height)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    elif file_format == "JPEG":
        start = data.index(b"\xff\xc0") + 5
        struct.pack_into(">HH", data, start, height, width)
    elif file_format == "GIF":
        struct.pack_into("<HH", data, frame_at(data) + 5, width, height)
    else:
        struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def animation(frames, side):
    """A GIF of many frames, all black, that compress to nearly nothing."""
    gif = written(np.zeros((side, side), "uint8"), "GIF")
    start = frame_at(gif)
    return gif[:start] + gif[start:-1] * frames + b";"


def moving(frames=3, height=20, width=30):
    """A GIF whose frames differ."""
    rng = np.random.default_rng(frames)
    shape = (frames, height, width)
    first, *others = map(
        Image.fromarray, rng.integers(0, 256, shape).astype("uint8")
    )
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others)
    return file.getvalue()


def wav(
    samples=None,
    *,
    rate=RATE,
    channels=1,
    code=1,
    bits=16,
    declared=None,
    data=None,
):
    if data is None:
        samples = tone() if samples is None else np.asarray(samples)
        data = (samples * 32767).astype("<i2").tobytes()
    block = channels * bits // 8
    size = len(data) if declared is None else declared
    return b"".join(
        [
            b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt ",
            struct.pack("<IHHI", 16, code, channels, rate),
            struct.pack("<IHH", rate * block % 2**32, block, bits),
            b"data" + struct.pack("<I", size) + data,
        ]
    )


def tone(hertz=440.0, seconds=0.5, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(seconds * rate) / rate)


def row(age=(40.0,), income=(5.0,), job=(b"nurse",)):
    return {
        "age": np.array(age, "float32"),
        "income": np.array(income, "float32"),
        **strings("job", *job),
    }
