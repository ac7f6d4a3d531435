"""Unusual and invalid inputs of a server by kind, with their results.

Written by hand, each with the result that docs/inputs.md states.
"""

import dataclasses

import numpy as np

from tests.mtl_keras.data.hostile_files import (
    RATE,
    animation,
    declaring,
    image_file,
    moving,
    png,
    row,
    strings,
    tone,
    wav,
)


@dataclasses.dataclass(frozen=True)
class Case:
    """One input; `refused` is part of the error, `like` gives equal outputs."""

    name: str
    call: dict
    refused: str = ""
    answer: str = ""
    like: dict | None = None

    @property
    def row(self) -> str:
        """The line about it in docs/inputs.md."""
        refused = f"refused: `{self.refused}`"
        return f"| {self.name} | {refused if self.refused else self.answer} |"


def _image(name, data, refused="", answer="", like=None):
    like = None if like is None else strings("image", like)
    return Case(name, strings("image", data), refused, answer, like)


_EMPTY = "empty outputs"
_NOT_AN_IMAGE = "Expected the bytes of a PNG, JPEG, BMP or GIF file."
_DAMAGED = "Expected the bytes of a complete PNG, JPEG, BMP or GIF file."
_LARGE = "Expected an image of at most 64,000,000 pixels."
_DEEP = png(4, 4, 16, (b"\0" + bytes(range(0, 24)) * 1) * 4)
_FLAT = png(4, 4, 8, (b"\0" + bytes(range(0, 24, 2))) * 4)

_IMAGES = [
    _image("an empty string", b"", _NOT_AN_IMAGE),
    _image("text", b"hello " * 100, _NOT_AN_IMAGE),
    _image("a WebP file", image_file("WEBP"), _NOT_AN_IMAGE),
    _image("a TIFF file", image_file("TIFF"), _NOT_AN_IMAGE),
    _image("a PNG cut off in its header", image_file()[:20], _DAMAGED),
    _image(
        "a PNG cut off in its pixels", image_file()[:300], "Invalid PNG data"
    ),
    _image(
        "a JPEG cut off in its header",
        image_file("JPEG")[:100],
        "Invalid JPEG data",
    ),
    _image(
        "a JPEG cut off in its pixels",
        image_file("JPEG")[:-200],
        "Invalid JPEG data",
    ),
    _image(
        "a GIF cut off in its pixels",
        image_file("GIF")[:900],
        "Invalid GIF data",
    ),
    _image(
        "a BMP cut off in its pixels",
        image_file("BMP")[:300],
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
        "one bad image in a batch",
        strings("image", image_file(), b"x"),
        _NOT_AN_IMAGE,
    ),
    Case("an empty batch", strings("image"), answer=_EMPTY),
]


def _text(name, data, refused="", answer="", like=None):
    like = None if like is None else strings("text", like)
    return Case(name, strings("text", data), refused, answer, like)


_LONG = "SentencePreprocessor expects sentences of at most 8,192 bytes."
_MANY = "SentencePreprocessor expects sentences of at most 512 tokens."
_NONE = "as one unknown word"

_TEXTS = [
    _text("an empty string", b"", answer=_NONE, like=b"?"),
    _text("white space", b" \t\n \xe3\x80\x80", answer=_NONE, like=b"?"),
    _text("100 kB of text", b"play some jazz " * 6667, _LONG),
    _text("100 kB without white space", b"a" * 100_000, _LONG),
    _text("100,000 tokens", b"a " * 100_000, _LONG),
    _text("513 tokens", b"a " * 513, _MANY),
    _text("512 tokens", b"a " * 512, answer="as any other sentence"),
    _text(
        "bytes that are not UTF-8",
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
    Case("an empty batch", strings("text"), answer=_EMPTY),
]


def _audio(name, data, refused="", answer="", like=None):
    like = None if like is None else strings("audio", like)
    return Case(name, strings("audio", data), refused, answer, like)


_WAV = "Expected the bytes of a wav file of 16-bit PCM samples, "
_NO_WAV = _WAV + "which begins with RIFF and WAVE."
_RATE = _WAV + "1,000 to 384,000 samples per second."
_SHORT = _WAV + "all that its header declares."
_PARTS = _WAV + "with format and samples within"
_CODE = _WAV + "code 1 and 16 bits."
_SILENT = "as silence, -13.8 in each band"

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
        "a recording longer than `seconds`",
        wav(tone(seconds=3)),
        answer="as its first `seconds`",
        like=wav(tone(seconds=1)),
    ),
    Case("an empty batch", strings("audio"), answer=_EMPTY),
]

_MISSING = "as the mean, with the indicator of a missing value set"
_FAR = "as 100 standard deviations from the mean"
_OTHER = "as an unknown category"

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
        "bytes that are not UTF-8",
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
        "an extra column",
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
    Case("an empty batch", row((), (), ()), answer=_EMPTY),
]


def _clip(name, data, refused="", answer="", like=None):
    like = None if like is None else strings("clip", like)
    return Case(name, strings("clip", data), refused, answer, like)


_NOT_A_GIF = "Expected the bytes of an animated GIF. Received: another file"
_TORN = "Expected the bytes of an animated GIF, complete, with at least one"
_LONG_CLIP = "Expected the bytes of an animated GIF of at most 16,000,000"

_CLIPS = [
    _clip("an empty string", b"", _NOT_A_GIF),
    _clip("a PNG file", image_file(), _NOT_A_GIF),
    _clip("a GIF cut off in its header", moving()[:20], _TORN),
    _clip("a GIF cut off in its frames", moving()[:-500], _TORN),
    _clip("a GIF of 0 x 0", declaring("GIF", 0, 0), "Invalid GIF data"),
    _clip(
        "a GIF that declares 30,000 x 30,000 pixels",
        declaring("GIF", 30_000, 30_000),
        _LONG_CLIP,
    ),
    _clip("100 frames of 2,000 x 2,000", animation(100, 2000), _LONG_CLIP),
    _clip(
        "1,000 frames of 20 x 20",
        animation(1000, 20),
        answer="the four in the middle of its first 256",
        like=animation(4, 20),
    ),
    _clip(
        "a GIF of one frame",
        moving(1),
        answer="a clip that stands still",
    ),
    Case(
        "one bad clip in a batch",
        strings("clip", moving(), b"x"),
        _NOT_A_GIF,
    ),
    Case("an empty batch", strings("clip"), answer=_EMPTY),
]

CASES = {
    "image": _IMAGES,
    "text": _TEXTS,
    "audio": _AUDIO,
    "columns": _TABLES,
    "clip": _CLIPS,
}
