"""Damages of a folder, each with what must come of it.

A damage changes the files and returns an `Expected`: the examples as before,
the examples without some, or an error that names a file and a line.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Expected:
    """What must come of a damage.

    `file` is `None` where the examples are read as before, but for those in
    `without` (names of images, sentences) and the labels in `missing`.
    `lines` holds the lines that an error may name, `None` any or none.
    """

    file: str | None = None
    lines: tuple | None = None
    without: tuple = ()
    missing: dict = dataclasses.field(default_factory=dict)


def text_files(folder, *suffixes):
    return sorted(
        p for p in folder.rglob("*") if p.name.endswith(suffixes or ("",))
    )


def inside(folder, path):
    return path.relative_to(folder).as_posix()


class Lines:
    """A text file as lines that are changed and written back."""

    def __init__(self, folder, path):
        self.file = inside(folder, path)
        self._path = path
        self.lines = path.read_text(encoding="utf-8").split("\n")

    def write(self):
        text = "\n".join(self.lines)
        self._path.write_bytes(text.encode("utf-8", "surrogateescape"))

    def having(self, test):
        return [i for i, line in enumerate(self.lines) if test(line)]


def pick(rng, options):
    return options[int(rng.integers(len(options)))]


def crlf(rng, folder, texts):
    path = pick(rng, texts)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return Expected()


def cr(rng, folder, texts):
    path = pick(rng, texts)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    return Expected()


def bom(rng, folder, texts):
    path = pick(rng, texts)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    return Expected()


def latin1(rng, folder, texts):
    """Puts an e with an acute accent, in Latin-1, at the end of a word."""
    file = Lines(folder, pick(rng, texts))
    index = pick(rng, file.having(lambda line: any(map(str.isalpha, line))))
    line = file.lines[index]
    places = [i for i, letter in enumerate(line) if letter.isalpha()]
    place = pick(rng, places) + 1
    file.lines[index] = f"{line[:place]}\udce9{line[place:]}"
    file.write()
    return Expected(file.file, (index + 1,))


def empty_file(rng, folder, texts):
    path = pick(rng, texts)
    path.write_bytes(b"")
    return Expected(inside(folder, path))


def lost_image(rng, folder, mention):
    """Deletes an image; `mention` says where it is named."""
    path = pick(rng, text_files(folder, ".png", ".wav"))
    path.unlink()
    return mention(folder, path)


def broken_image(rng, folder, mention):
    path = pick(rng, text_files(folder, ".png"))
    whole = path.read_bytes()
    kind = int(rng.integers(3))
    cut = int(rng.integers(60, len(whole) - 100))
    path.write_bytes((b"", b"hello, world\n", whole[:cut])[kind])
    return Expected(mention(folder, path).file)


def replaced(rng, folder, path, old, new, count=1):
    """Replaces a text in one of the lines that hold it."""
    file = Lines(folder, path)
    index = pick(rng, file.having(lambda line: old in line))
    file.lines[index] = file.lines[index].replace(old, new, count)
    file.write()
    return file.file, index + 1


def swapped_letters(rng, name):
    """Swaps two letters that differ: `apple` becomes `aplpe`."""
    places = [i for i in range(len(name) - 1) if name[i] != name[i + 1]]
    i = pick(rng, places)
    return name[:i] + name[i + 1] + name[i] + name[i + 2 :]


def bad_number(rng):
    options = ("12x", "nan?", "1,5", "--3", "1e999", "inf", "0x10", "1_0")
    return options[int(rng.integers(len(options)))]


def generator(seed):
    return np.random.default_rng(seed)


def itself(folder, path):
    """Says that the error names the damaged file."""
    return Expected(inside(folder, path))


def of_texts(damage, *suffixes):
    """Makes a damage of text files one of a folder."""
    return lambda rng, folder: damage(
        rng, folder, text_files(folder, *suffixes)
    )


def naming(damage, mention):
    """Makes a damage of an image one of a folder."""
    return lambda rng, folder: damage(rng, folder, mention)
