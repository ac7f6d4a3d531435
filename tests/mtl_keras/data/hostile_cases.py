"""What should never reach a server, by kind, and what it is told then.

`CASES` are written by hand, each with the answer that docs/inputs.md promises;
`mutated` damages valid inputs at random.
"""

import dataclasses
import io
import struct
import zlib

import numpy as np
from PIL import Image

KINDS = ("image", "text", "audio", "columns")
RATE = 8000
COLUMNS = {"age": (40.0, 10.0), "income": (5.0, 2.0)}
JOBS = ("baker", "nurse")


@dataclasses.dataclass(frozen=True)
class Case:
    """One input; `refused` is a part of the error, `like` has its answer."""

    name: str
    call: dict
    refused: str = ""
    answer: str = ""
    like: dict | None = None

    @property
    def row(self) -> str:
        """The line about it in docs/inputs.md."""
        said = f"refused: `{self.refused}`" if self.refused else self.answer
        return f"| {self.name} | {said} |"


def strings(name, *values):
    array = np.empty(len(values), object)
    array[:] = values
    return {name: array}


def picture(file_format="PNG", height=20, width=30, **options):
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
    """A small file that declares a picture of any size."""
    data = bytearray(picture(file_format))
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


def _image(name, data, refused="", answer="", like=None):
    like = None if like is None else strings("image", like)
    return Case(name, strings("image", data), refused, answer, like)


_NO_PICTURE = "Expected the bytes of a PNG, JPEG, BMP or GIF file."
_DAMAGED = "Expected the bytes of a whole PNG, JPEG, BMP or GIF file."
_LARGE = "Expected a picture of at most 64,000,000 pixels."
_DEEP = png(4, 4, 16, (b"\0" + bytes(range(0, 24)) * 1) * 4)
_FLAT = png(4, 4, 8, (b"\0" + bytes(range(0, 24, 2))) * 4)

_IMAGES = [
    _image("an empty string", b"", _NO_PICTURE),
    _image("text", b"hello " * 100, _NO_PICTURE),
    _image("a WebP file", picture("WEBP"), _NO_PICTURE),
    _image("a TIFF file", picture("TIFF"), _NO_PICTURE),
    _image("a PNG cut off in its header", picture()[:20], _DAMAGED),
    _image("a PNG cut off in its pixels", picture()[:300], "Invalid PNG data"),
    _image(
        "a JPEG cut off in its header",
        picture("JPEG")[:100],
        "Invalid JPEG data",
    ),
    _image(
        "a JPEG cut off in its pixels",
        picture("JPEG")[:-200],
        "Invalid JPEG data",
    ),
    _image(
        "a GIF cut off in its pixels", picture("GIF")[:900], "Invalid GIF data"
    ),
    _image(
        "a BMP cut off in its pixels",
        picture("BMP")[:300],
        "Input size should match",
    ),
    *(
        _image(
            f"a {kind} that declares 30,000 x 30,000 pixels",
            declaring(kind, 30_000, 30_000),
            _LARGE,
        )
        for kind in ("PNG", "JPEG", "GIF", "BMP")
    ),
    _image(
        "a PNG that declares 2147483647 x 2147483647",
        declaring("PNG", 2**31 - 1, 2**31 - 1),
        _LARGE,
    ),
    _image("a PNG of 0 x 0", declaring("PNG", 0, 0), _DAMAGED),
    _image("a BMP of -5 columns", declaring("BMP", 5, -5), _DAMAGED),
    _image("a GIF of 0 x 0", declaring("GIF", 0, 0), _DAMAGED),
    _image(
        "a GIF of 100 frames of 2,000 x 2,000",
        animation(100, 2000),
        answer="its first frame",
        like=animation(1, 2000),
    ),
    _image(
        "a PNG of 16 bits",
        _DEEP,
        answer="the upper 8 bits of each value",
        like=_FLAT,
    ),
    Case(
        "one bad picture among good ones",
        strings("image", picture(), b"x"),
        _NO_PICTURE,
    ),
    Case("no picture at all", strings("image"), answer="no answers"),
]


def _text(name, data, refused="", answer="", like=None):
    like = None if like is None else strings("text", like)
    return Case(name, strings("text", data), refused, answer, like)


_LONG = "SentencePreprocessor expects sentences of at most 8,192 bytes."
_MANY = "SentencePreprocessor expects sentences of at most 512 tokens."
_NONE = "that of one unknown word"

_TEXTS = [
    _text("an empty string", b"", answer=_NONE, like=b"?"),
    _text("white space", b" \t\n \xe3\x80\x80", answer=_NONE, like=b"?"),
    _text("100 kB of text", b"play some jazz " * 6667, _LONG),
    _text("100 kB without white space", b"a" * 100_000, _LONG),
    _text("100,000 tokens", b"a " * 100_000, _LONG),
    _text("513 tokens", b"a " * 513, _MANY),
    _text(
        "512 tokens", b"a " * 512, answer="an answer as for any other sentence"
    ),
    _text(
        "bytes that are no UTF-8",
        b"play \xff\x80",
        answer="U+FFFD for each such byte",
        like="play \ufffd\ufffd".encode(),
    ),
    _text(
        "NUL bytes",
        b"play\0jazz\0",
        answer="they separate words",
    ),
    _text(
        "emoji",
        "play 🎷👩‍🚀".encode(),
        answer="an unknown word",
    ),
    _text(
        "a word of another script, right to left",
        "play שלום".encode(),
        answer="an unknown word",
    ),
    Case("no sentence at all", strings("text"), answer="no answers"),
]


def _audio(name, data, refused="", answer="", like=None):
    like = None if like is None else strings("audio", like)
    return Case(name, strings("audio", data), refused, answer, like)


_WAV = "Expected the bytes of a wav file of 16-bit PCM samples, "
_NO_WAV = _WAV + "which begins with RIFF and WAVE."
_RATE = _WAV + "1,000 to 384,000 samples a second."
_SHORT = _WAV + "all that its header declares."
_PARTS = _WAV + "one whose format and samples come"
_CODE = _WAV + "code 1 and 16 bits."
_SILENT = "that of silence, -13.8 in each band"

_AUDIO = [
    _audio("an empty string", b"", _NO_WAV),
    _audio("text", b"hello " * 100, _NO_WAV),
    _audio(
        "silence",
        wav(np.zeros(RATE)),
        answer=_SILENT,
        like=wav(np.zeros(RATE // 2)),
    ),
    _audio(
        "a wav without samples",
        wav([]),
        answer=_SILENT,
        like=wav(np.zeros(RATE)),
    ),
    _audio("a wav cut off in its header", wav()[:30], _PARTS),
    _audio("a wav cut off in its samples", wav()[:1000], _SHORT),
    _audio(
        "a wav that declares 4 GB of samples",
        wav(declared=2**32 - 2),
        _SHORT,
    ),
    _audio(
        "a wav that declares 2 GB of samples", wav(declared=2**31 - 2), _SHORT
    ),
    _audio(
        "a wav of 0 channels",
        wav(channels=0),
        _WAV + "one or more channels of 2 bytes.",
    ),
    _audio("a wav of 0 Hz", wav(rate=0), _RATE),
    _audio("a wav of 1 GHz", wav(rate=1_000_000_000), _RATE),
    _audio("a wav of floats", wav(code=3, bits=32), _CODE),
    _audio("a wav of 8 bits", wav(bits=8), _CODE),
    _audio(
        "half a sample at the end", wav(data=b"abc"), _WAV + "whole samples."
    ),
    _audio(
        "more seconds than are read",
        wav(tone(seconds=3)),
        answer="that of their beginning",
        like=wav(tone(seconds=1)),
    ),
    Case("no recording at all", strings("audio"), answer="no answers"),
]

_MISSING = "the mean, and a 1 that says it is missing"
_FAR = "100 deviations from the mean"
_OTHER = "that of an unknown category"

_TABLES = [
    Case("NaN", row(age=(np.nan,)), answer=_MISSING, like=row(age=(-np.nan,))),
    Case("an infinite number", row((np.inf,)), answer=_FAR, like=row((1040,))),
    Case("-1e38", row((-1e38,)), answer=_FAR, like=row((-960.0,))),
    Case("3e38", row((3e38,)), answer=_FAR, like=row((1040.0,))),
    Case(
        "an unknown category",
        row(job=(b"pilot",)),
        answer=_OTHER,
        like=row(job=(b"cook",)),
    ),
    Case(
        "an empty string",
        row(job=(b"",)),
        answer=_OTHER,
        like=row(job=(b"cook",)),
    ),
    Case(
        "100 kB of text in a category",
        row(job=(b"nurse" * 20_000,)),
        answer=_OTHER,
        like=row(job=(b"cook",)),
    ),
    Case(
        "bytes that are no UTF-8",
        row(job=(b"\xff\0\x80",)),
        answer=_OTHER,
        like=row(job=(b"cook",)),
    ),
    Case(
        "a missing column",
        {k: v for k, v in row().items() if k != "income"},
        "missing required arguments: income",
    ),
    Case(
        "a column too many",
        {**row(), "incom": np.ones(1, "float32")},
        "unexpected keyword",
    ),
    Case(
        "strings for numbers",
        {**row(), **strings("age", b"40")},
        "was expected to be a float tensor",
    ),
    Case(
        "numbers for strings",
        {**row(), "job": np.ones(1, "float32")},
        "was expected to be a string tensor",
    ),
    Case(
        "columns of different lengths",
        row(age=(40.0, 41.0)),
        "to have one length",
    ),
    Case("no row at all", row((), (), ()), answer="no answers"),
]

CASES = {
    "image": _IMAGES,
    "text": _TEXTS,
    "audio": _AUDIO,
    "columns": _TABLES,
}
VALID = {
    "image": strings("image", picture()),
    "text": strings("text", b"play some jazz"),
    "audio": strings("audio", wav()),
    "columns": row(),
}


def mutated(kind, num, seed=0):
    """Makes `num` damaged inputs of a kind, the same ones for each seed."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    if kind == "columns":
        return [_odd_row(rng) for _ in range(num)]
    valid = {
        "image": [
            *(picture(f) for f in ("PNG", "JPEG", "GIF", "BMP")),
            picture("JPEG", progressive=True),
            png(4, 4, 16, (b"\0" + bytes(range(24))) * 4),
            animation(3, 10),
        ],
        "text": ["play sóme jazz 🎷 at 7:30 שלום".encode(), b"a\0b" * 20],
        "audio": [wav(), wav(tone(rate=44_100), rate=44_100), wav(channels=2)],
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
