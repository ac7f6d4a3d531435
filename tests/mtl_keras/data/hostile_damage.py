"""Valid inputs of each kind, and the same damaged at random."""

import struct
import zlib

import numpy as np

from tests.mtl_keras.data.hostile_files import (
    animation,
    image_file,
    moving,
    png,
    row,
    strings,
    tone,
    wav,
)

KINDS = ("image", "text", "audio", "columns", "clip")
VALID = {
    "image": strings("image", image_file()),
    "text": strings("text", b"play some jazz"),
    "audio": strings("audio", wav()),
    "columns": row(),
    "clip": strings("clip", moving()),
}


def mutated(kind, num, seed=0):
    """Makes `num` damaged inputs of a kind, the same ones for each seed."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    if kind == "columns":
        return [_odd_row(rng) for _ in range(num)]
    valid = {
        "image": [
            *(image_file(f) for f in ("PNG", "JPEG", "GIF", "BMP")),
            image_file("JPEG", progressive=True),
            png(4, 4, 16, (b"\0" + bytes(range(24))) * 4),
            animation(3, 10),
        ],
        "text": ["play sóme jazz 🎷 at 7:30 שלום".encode(), b"a\0b" * 20],
        "audio": [wav(), wav(tone(rate=44_100), rate=44_100), wav(channels=2)],
        "clip": [moving(), moving(12), animation(3, 10)],
    }[kind]
    return [strings(kind, _damaged(rng, kind, valid)) for _ in range(num)]


def _damaged(rng, kind, valid):
    data = bytearray(valid[rng.integers(len(valid))])
    for _ in range(rng.integers(1, 4)):
        data = _DAMAGES[rng.integers(len(_DAMAGES))](rng, data, valid)
    if kind == "image" and data[:4] == b"\x89PNG" and rng.integers(2):
        # As its writer would, or no damage gets past libpng's sum.
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def _cut(rng, data, valid):
    return data[: rng.integers(len(data) + 1)]


def _flip(rng, data, valid):
    for place in rng.integers(max(len(data), 1), size=rng.integers(1, 32)):
        data[place : place + 1] = bytes(
            value ^ (1 << rng.integers(8)) for value in data[place : place + 1]
        )
    return data


def _set_header(rng, data, valid):
    """Puts an extreme number into one of the fields at the beginning."""
    extremes = (0, 1, 0x7F, 0x80, 0xFF)
    place = rng.integers(min(len(data), 64) + 1)
    size = int(rng.choice([1, 2, 4]))
    values = rng.choice(extremes, size).astype("uint8").tobytes()
    return data[:place] + values + data[place + size :]


def _append(rng, data, valid):
    other = valid[rng.integers(len(valid))]
    return data + other[rng.integers(len(other)) :]


def _repeat(rng, data, valid):
    start, end = sorted(rng.integers(len(data) + 1, size=2))
    times = int(rng.integers(2, 50))
    return data[:start] + data[start:end] * times + data[end:]


_DAMAGES = (_cut, _flip, _set_header, _set_header, _append, _repeat)


def _odd_row(rng):
    numbers = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e38, -3e38, 1e-45, 40.0]
    jobs = [
        b"nurse",
        b"",
        b"\0",
        b"\xff",
        b"nurse\0",
        "🎷".encode(),
        b"x" * 999,
    ]
    size = int(rng.integers(4))
    call = row(
        rng.choice(numbers, size),
        rng.choice(numbers, size),
        [jobs[i] for i in rng.integers(len(jobs), size=size)],
    )
    name = ("age", "income", "job")[rng.integers(3)]
    damage = rng.integers(8)
    if damage == 0:
        del call[name]
    elif damage == 1:
        call[name] = call[name][:-1]
    elif damage == 2:
        call[name] = call[name][None]
    elif damage == 3:
        call[name] = np.ones(size, "int32")
    elif damage == 4:
        call[name + "s"] = call[name]
    return call
