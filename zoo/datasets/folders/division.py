"""Which example is in which split, where the folder does not say it all.

Splits are stratified over all tasks and drawn once. They are stored, and
examples that are added to the folder later leave the others where they are.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from mtl_keras import Task, files
from mtl_keras.data import splits
from zoo.datasets.folders.records import DataError, Example, Place, Problem

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}
# Of a training split, where the folder has no validation split.
_OF_TRAIN = {"train": 0.9, "validation": 0.1}
_SEED = 0
_STRATIFIED = ("box", "classification", "presence", "regression", "tagging")


class Division:
    """Tells the split of each example.

    Args:
        source: `Source`.
        folder: Path of the folder where drawn splits are stored.

    Raises:
        ValueError: If the folder has too few examples to be divided.
    """

    def __init__(self, source, folder):
        given = source.splits
        self._fractions = _fractions(given)
        self._drawn = {}
        self.splits = tuple(dict.fromkeys([*given, *self._fractions]))
        if self._fractions:
            path = Path(folder) / f"{_name(source.folder)}.json"
            self._drawn = self._stored_or_drawn(source, path)

    def split_of(self, example: Example) -> str:
        """Returns the split of an example."""
        if not _is_divided(example):
            return example.split
        return self._drawn.get(key_of(example), example.split)

    def _stored_or_drawn(self, source, path):
        stored = {}
        if path.is_file():
            stored = json.loads(path.read_text(encoding="utf-8"))
        fractions = {k: round(v, 6) for k, v in self._fractions.items()}
        known = stored.get(json.dumps(fractions), {})
        groups = {group: split for split, group in known.values() if group}
        candidates = self._candidates(source)
        new = {k: e for k, e in candidates.items() if k not in known}
        if new:
            if known:
                added = self._added(new, groups)
            else:
                added = self._draw(source, new)
            known = {**known, **added}
            stored[json.dumps(fractions)] = known
            files.write_text(path, json.dumps(stored, indent=0))
        return {key: known[key][0] for key in candidates}

    def _candidates(self, source):
        """The examples to divide: all, or those given for training."""
        candidates = {}
        for example in source.examples():
            if _is_divided(example):
                labels = source.encode(example)
                candidates.setdefault(key_of(example), (labels, example.group))
        return candidates

    def _added(self, new, groups):
        """Assigns examples that came later, each by its own sum."""
        added = {}
        for key, (_, group) in new.items():
            split = groups.get(group)
            if split is None:
                split = self._split_of_sum(group or key)
            added[key] = split, group
        return added

    def _split_of_sum(self, text):
        place = int(_sum(text), 16) / 16 ** len(_sum(text))
        for split, fraction in self._fractions.items():
            place -= fraction
            if place < 0:
                return split
        return "train"

    def _draw(self, source, new):
        keys, examples = list(new), list(new.values())
        groups = [group or key for key, (_, group) in new.items()]
        if all(group is None for _, group in examples):
            groups = None
        try:
            return self._stratified(source, keys, examples, groups)
        except ValueError as error:
            problem = Problem(
                Place(str(source.folder)),
                f"Expected enough of {len(keys)} examples for each split. "
                f"Received: {error}",
            )
            raise DataError(problem) from error

    def _stratified(self, source, keys, examples, groups):
        parts = splits.hold_out(
            len(keys),
            self._fractions,
            strata=_strata(source, [labels for labels, _ in examples]),
            groups=None if groups is None else np.array(groups),
            seed=_SEED,
        )
        return {
            keys[number]: (split, examples[number][1])
            for split, numbers in parts.items()
            for number in numbers
        }


def key_of(example: Example) -> str:
    """Computes what an example is known by when the folder has changed.

    Two examples of the same input and group have one key, and so one split.
    """
    return _sum(json.dumps([example.inputs, example.group], sort_keys=True))


def _is_divided(example) -> bool:
    return example.split in (None, "train")


def _fractions(given) -> dict:
    if not given:
        return FRACTIONS
    return {} if "validation" in given else _OF_TRAIN


def _name(folder: Path) -> str:
    folder = folder.resolve()
    return f"{folder.name}-{_sum(str(folder))}"


def _sum(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _strata(source, labels):
    """Makes the strata of examples, `None` where no task gives any."""
    class_names = source.class_names
    tasks, arrays = [], {}
    for name, kind in source.kinds.items():
        if kind not in _STRATIFIED or name not in source.labelled:
            continue
        values = [label[name] for label in labels]
        if kind == "tagging":
            values = _padded(values)
        is_float = kind in ("box", "regression")
        arrays[name] = np.array(values, np.float32 if is_float else np.int32)
        # A task of one class cannot be trained; the inspection says so.
        names = class_names.get(name, ())
        if names and len(names) < 2:
            del arrays[name]
            continue
        tasks.append(Task(name, kind, class_names=names))
    return splits.strata(arrays, tasks) if arrays else None


def _padded(rows):
    longest = max(map(len, rows), default=0)
    return [[*row, *[-1] * (longest - len(row))] for row in rows]
