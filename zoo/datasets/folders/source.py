"""A folder that was recognised: its classes, problems and examples."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtl_keras.messages import did_you_mean, listed
from zoo.datasets.folders import (
    encoding,
    image_files,
    maps,
    masks,
    tags,
    words,
)
from zoo.datasets.folders.division import Division
from zoo.datasets.folders.records import (
    Damage,
    DataError,
    Example,
    Place,
    Problem,
)
from zoo.datasets.folders.request import Request
from zoo.datasets.folders.scan import Scan

_WITH_CLASSES = ("classification", "count", "detection", "mask", "tagging")
# Their classes are those that a layout lists.
_OF_OBJECTS = ("classification", "count", "detection")


class Source:
    """A user's folder as a data set.

    Made by `folders.read`. The folder is read when something is asked for,
    and read again for each pass over the examples, so that no more than a
    table's labels is held in memory.

    Args:
        request: `Request`.
        reader: Module of a layout.
        classes: Dict of task name to sequence of class names, of the tasks
            whose classes are given.
        problems: Sequence of `Problem` that were seen before.
        check: As for `Scan`.

    Attributes:
        folder: Path of the folder.
        layout: String, the name of the layout.
        kinds: Dict of task name to kind.
        inputs: String, `"image"`, `"text"`, `"table"`, `"audio"` or
            `"clip"`.
    """

    def __init__(
        self,
        request: Request,
        reader,
        classes: dict,
        problems=(),
        check=None,
    ):
        self._request, self._reader, self._check = request, reader, check
        self._first_problems = tuple(problems)
        self._given = {task: tuple(names) for task, names in classes.items()}
        self.folder = request.listing.root
        self.listing = request.listing
        self.layout = reader.LAYOUT
        self.kinds = dict(request.kinds)
        self.inputs = request.inputs

    @functools.cached_property
    def scan(self) -> Scan:
        """What one pass over the folder saw."""
        scan = Scan(
            self.kinds,
            self._known_classes,
            self.listing,
            is_table=self.inputs == "table",
            check=self._check,
        )
        for problem in self._first_problems:
            scan.add(problem)
        for item in self._reader.read(self._request):
            scan.see(item)
        scan.finish()
        return scan

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        """The classes of each classification and tagging task.

        Given ones keep their order; others are sorted. Of tags, O is first,
        and each kind has B and I.
        """
        names = {}
        for task, kind in self.kinds.items():
            if kind in _WITH_CLASSES:
                known = self._known_classes.get(task)
                seen = () if known else self.scan.class_names(task)
                if known:
                    seen = known
                elif kind == "tagging":
                    seen = tags.class_names(seen)
                elif kind == "mask":
                    seen = masks.class_names(self.scan.mask_values[task])
                names[task] = tuple(seen)
        return names

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the folder names, `()` where it names none."""
        return tuple(sorted(split for split in self.scan.splits if split))

    @property
    def labelled(self) -> tuple[str, ...]:
        """The tasks with at least one label."""
        return tuple(task for task in self.kinds if self.scan.num_labels(task))

    @property
    def column_types(self) -> dict[str, str]:
        """Of a table, `"number"` or `"category"` for each input column."""
        return self.scan.columns.types()

    def problems(self) -> list[Problem]:
        """Returns all that is wrong, in the order of the files."""
        return list(self.scan.problems)

    def check(self, *, decode: bool = False) -> None:
        """Raises an error if a file or a row cannot be read.

        Args:
            decode: Boolean, whether every image is decoded as well. Defaults
                to `False`: only its header is read.

        Raises:
            DataError: With the file and line of the first error.
        """
        errors = [p for p in self.scan.problems if p.is_error]
        number = self.scan.num_errors
        if decode:
            unreadable = [
                problem for _, _, problem in self.contents() if problem
            ]
            errors += unreadable
            number += len(unreadable)
        if errors:
            raise DataError(errors[0], number - 1)
        if not self.scan.num_examples:
            raise DataError(
                Problem(
                    Place(str(self.folder)),
                    "Expected examples. Received: none, only "
                    f"{self.listing.describe()}",
                )
            )

    def contents(self) -> Iterator[tuple]:
        """Decodes the images of the examples, in the order of the files.

        Yields:
            Triples of an `Example`, a sum of its file's bytes, and a
            `Problem`, one of the last two being `None`.
        """
        if self.inputs != "image":
            return
        for example in self.readable_examples():
            file = example.inputs["image"]
            try:
                total = image_files.check(self.listing.path(file))
            except Damage as damage:
                yield example, None, damage.at(file)
            else:
                yield example, total, None

    def examples(self, split: str | None = None) -> Iterator[Example]:
        """Yields the examples, in the order of the files.

        Args:
            split: String, one of `splits`. Defaults to all examples.

        Yields:
            `Example`, its tags in BIO whatever the folder's scheme.

        Raises:
            DataError: If a file or a row cannot be read.
            ValueError: If there is no such split.
        """
        if split is not None and split not in self.splits:
            raise ValueError(
                f"Unknown split of {str(self.folder)!r}. Expected one of "
                f"{listed(self.splits)}.{did_you_mean(split, self.splits)} "
                f"Received: split={split!r}"
            )
        self.check()
        return (
            example
            for example in self.readable_examples()
            if split in (None, example.split)
        )

    def readable_examples(self) -> Iterator[Example]:
        """Yields the examples of what can be read, and raises no error."""
        for item in self._reader.read(self._request):
            if isinstance(item, Example) and not self.scan.is_wrong(item):
                example = self._resplit(self.scan.converted(item))
                if example is not None:
                    yield example

    def encode(self, example: Example) -> dict:
        """Turns an example's labels into numbers; see `encoding.encode`.

        Masks, depths and normals are left out: `mask` and `map` make their
        arrays.
        """
        return encoding.encode(example, self.kinds, self._class_numbers)

    def mask(self, example: Example, task: str):
        """Makes an image's uint8 array `(height, width)` of class numbers.

        Args:
            example: `Example`.
            task: String, a task of kind `"mask"`.

        Returns:
            Array; 255 where a label is missing.
        """
        label = example.labels[task]
        if label is None:
            width, height = image_files.size_in(
                self.listing, example.inputs["image"]
            )
            return np.full((height, width), masks.MISSING, np.uint8)
        names = self.class_names[task]
        if self.scan.mask_values[task] == masks.BINARY and len(names) == 2:
            names = ("0", "255")
        return label.array(self.listing, names)

    def map(self, example: Example, task: str):
        """Makes the float32 array of an image's depths or normals.

        Args:
            example: `Example`.
            task: String, a task of kind `"depth"` or `"normals"`.

        Returns:
            Array of shape `(height, width)` or `(height, width, 3)`; NaN where
            a label is missing.
        """
        label = example.labels[task]
        if label is None:
            size = image_files.size_in(self.listing, example.inputs["image"])
            return maps.missing(self.kinds[task], size)
        return label.array(self.listing)

    def digest(self) -> str:
        """Computes a sum of the files and of how they are read."""
        about = [
            self.layout,
            self.inputs,
            self._request.separators,
            *sorted(f"{name}={kind}" for name, kind in self.kinds.items()),
            *sorted(map(str, self._given.items())),
            *sorted(map(str, self._request.columns.items())),
        ]
        return self.listing.digest(about)

    def builder(self, data_dir=None):
        """Makes the TensorFlow Datasets builder of this folder.

        What it prepares is kept under the folder's digest: a changed folder
        is prepared anew.

        Args:
            data_dir: Folder of prepared data sets. Defaults to that of
                TensorFlow Datasets.

        Returns:
            `tfds.core.GeneratorBasedBuilder`, not prepared if it was not yet.
        """
        from zoo.datasets.folders import builder

        return builder.of(self, data_dir)

    def example(self):
        """Makes the function from the builder's example to input and labels.

        Returns:
            Function of a dict of tensors that returns a pair: a dict of raw
            inputs, as a preprocessor takes them, and a dict of task name to
            label.
        """
        from zoo.datasets.folders import builder

        return builder.example_of(self.inputs, self.kinds)

    def division(self, data_dir=None):
        """Tells which example is in which split.

        Args:
            data_dir: Folder of prepared data sets, where drawn splits are
                stored. Defaults to that of TensorFlow Datasets.

        Returns:
            `division.Division`.

        Raises:
            DataError: If a file or a row cannot be read, or there are too few
                examples.
        """
        if data_dir is None:
            data_dir = os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
        folder = Path(data_dir).expanduser() / "folder_splits"
        return Division(self, folder)

    def training(self, data_dir=None) -> Iterator[Example]:
        """Yields the examples of the training split: see `division`."""
        division = self.division(data_dir)
        return (
            example
            for example in self.examples()
            if division.split_of(example) == "train"
        )

    @functools.cached_property
    def _resplit(self):
        separators = self._request.separators
        if self.inputs != "text" or not separators:
            return lambda example: example
        tagged = {
            task: self.scan.scheme(task) == "plain"
            for task in self._request.of_kind("tagging")
        }
        return words.Resplit(separators, tagged)

    @functools.cached_property
    def _class_numbers(self):
        return {
            task: {name: number for number, name in enumerate(names)}
            for task, names in self.class_names.items()
        }

    @functools.cached_property
    def _known_classes(self):
        """The classes that are known before an example is read."""
        known = {}
        listed_names = self._reader.class_names(self._request)
        if listed_names:
            for task in self._request.of_kind(*_OF_OBJECTS):
                known[task] = tuple(listed_names)
            for task in self._request.of_kind("mask"):
                known[task] = (masks.BACKGROUND, *listed_names)
        return {**known, **self._given}
