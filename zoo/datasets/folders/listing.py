"""The files of a folder, listed once."""

import collections
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from zoo.datasets.folders.records import Damage

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
RECORDINGS = (".wav",)
CLIPS = (".gif",)
MASKS = (".png", ".bmp", ".gif")
_SPLITS = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
}
_WORD = re.compile(r"[a-z]+")
# Images in folders of these names are labels.
MASK_FOLDERS = (
    "masks",
    "mask",
    "trimaps",
    "segmentation",
    "segmentationclass",
    "segmentationobject",
)


def split_named(name: str) -> str | None:
    """Returns the split that a folder, a file or a cell names, else `None`."""
    return _SPLITS.get(name.strip().lower())


class Listing:
    """The files of a folder, hidden ones left out, in sorted order.

    Args:
        folder: String or path.

    Raises:
        ValueError: If there is no such folder.
    """

    def __init__(self, folder):
        self.root = Path(folder).expanduser()
        if not self.root.is_dir():
            raise ValueError(
                "`data` must be a folder. "
                f"Received: {str(folder)!r}, which is "
                f"{'a file' if self.root.exists() else 'not there'}"
            )
        # Path within the folder, with "/", to size and time of change.
        self.files = dict(sorted(self._walk()))

    def _walk(self):
        stack = [""]
        while stack:
            inside = stack.pop()
            with os.scandir(self.root / inside) as entries:
                for entry in entries:
                    if entry.name.startswith((".", "__MACOSX")):
                        continue
                    path = f"{inside}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(f"{path}/")
                    elif entry.is_file():
                        about = entry.stat()
                        yield path, (about.st_size, about.st_mtime_ns)

    def with_suffix(self, *suffixes: str) -> list[str]:
        """Returns the files with one of these endings, in any case."""
        return [p for p in self.files if p.lower().endswith(suffixes)]

    def images(self) -> list[str]:
        """Returns the images that TensorFlow can decode, without masks."""
        return [p for p in self.with_suffix(*IMAGES) if not is_mask(p)]

    def path(self, file: str) -> Path:
        """Returns the whole path of a file of the folder."""
        return self.root / file

    def describe(self) -> str:
        """Says in a line which files there are, by their endings."""
        if not self.files:
            return "an empty folder"
        counts = collections.Counter(
            os.path.splitext(path)[1].lower() or "no ending"
            for path in self.files
        )
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in counts.most_common(4))
        first = next(iter(self.files))
        return f"{len(self.files):,} files ({kinds}), the first {first!r}"

    def digest(self, about: Iterable[str]) -> str:
        """Computes a sum that changes with the folder's content.

        Args:
            about: Strings that belong to the content, such as the tasks.

        Returns:
            String of 64 hexadecimal digits: SHA-256 of the files' names,
            sizes and times of change.
        """
        total = hashlib.sha256()
        for part in about:
            total.update(f"{part}\n".encode())
        for path, (size, changed) in self.files.items():
            line = f"{path}\0{size}\0{changed}\n"
            # A name need not be UTF-8.
            total.update(line.encode("utf-8", "surrogateescape"))
        return total.hexdigest()


def is_mask(path: str) -> bool:
    """Tells whether a file is in a folder of masks."""
    folders = path.lower().split("/")[:-1]
    return any(folder in MASK_FOLDERS for folder in folders)


def split_of(path: str) -> str | None:
    """Finds the split that one of a file's folders stands for.

    Args:
        path: String, such as `"train/cats/1.jpg"`.

    Returns:
        String, `"train"`, `"validation"` or `"test"`, else `None`.
    """
    for folder in path.split("/")[:-1]:
        split = split_named(folder)
        if split is not None:
            return split
    return None


def split_of_labels(path: str) -> str | None:
    """Finds the split that a file of labels stands for.

    Args:
        path: String, such as `"valid.csv"`, `"en_ewt-ud-dev.conllu"` or
            `"instances_train2017.json"`.

    Returns:
        String, that of the folders or of a word in the name, else `None`.
    """
    split = split_of(path)
    if split is not None:
        return split
    for word in _WORD.findall(path.rsplit("/", 1)[-1].lower()):
        if split_named(word) is not None:
            return split_named(word)
    return None


class FileFinder:
    """Finds the files that labels name.

    Args:
        listing: `Listing`.
        suffixes: Tuple of strings, the endings of the files meant.
        of_masks: Boolean, whether masks are meant, in folders of their own.
    """

    def __init__(
        self,
        listing: Listing,
        suffixes: tuple[str, ...],
        *,
        of_masks: bool = False,
    ):
        self._listing = listing
        self._suffixes = suffixes
        self._by_name = collections.defaultdict(list)
        self._by_stem = collections.defaultdict(list)
        for path in listing.with_suffix(*suffixes):
            if is_mask(path) != of_masks:
                continue
            name = path.rsplit("/", 1)[-1]
            self._by_name[name].append(path)
            self._by_stem[name.rsplit(".", 1)[0]].append(path)

    def find(self, name: str, beside: str) -> str:
        """Finds a file by what a label file calls it.

        Args:
            name: String: a path from the folder or from the label file, or
                only a name, with or without its ending. Of a path from
                another machine the name alone counts.
            beside: String, the label file's path within the folder.

        Returns:
            String, the path within the folder.

        Raises:
            Damage: If there is no such file, or several.
        """
        name = name.strip().replace("\\", "/")
        if not name:
            raise Damage("Expected the path of a file. Received: an empty one")
        folder = beside.rsplit("/", 1)[0] + "/" if "/" in beside else ""
        for path in (f"{folder}{name}", name):
            path = os.path.normpath(path).replace(os.sep, "/")
            if path in self._listing.files and self._fits(path):
                return path
        last = name.rsplit("/", 1)[-1]
        matches = self._by_name.get(last) or self._by_stem.get(last) or []
        if len(matches) > 1:
            near = [path for path in matches if _is_near(path, folder)]
            matches = near if len(near) == 1 else matches
        if len(matches) == 1:
            return matches[0]
        what = "several files of this name" if matches else "no such file"
        raise Damage(
            f"Expected the path of a file in the folder, ending in one of "
            f"{', '.join(self._suffixes)}. Received: {name!r}, {what}"
        )

    def beside(self, path: str) -> str | None:
        """Finds the file that a label file is named after, else `None`."""
        folder, _, name = path.rpartition("/")
        stem = name.rsplit(".", 1)[0]
        matches = self._by_stem.get(stem, [])
        near = [p for p in matches if p.rpartition("/")[0] == folder]
        if len(near) != 1:
            near = [p for p in matches if split_of(p) == split_of(path)]
        return near[0] if len(near) == 1 else None

    def _fits(self, path):
        return path.lower().endswith(self._suffixes)


def _is_near(path, folder) -> bool:
    split = split_of(folder + "x")
    return path.startswith(folder) if split is None else split_of(path) == split
