"""What one pass over a folder sees: counts, classes and problems."""

import collections

from mtl_keras.messages import did_you_mean, listed
from zoo.datasets.folders import masks, objects, tags
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.spelling import is_misspelt
from zoo.datasets.folders.table_columns import TableColumns

# Beyond these, problems are counted and not kept.
MOST_PROBLEMS = 10_000
# A name that stands once is taken for a misspelt one if the name that it is
# like stands this many times.
_OFTEN = 4
_MOST_CLASSES = 12
_OF_OBJECTS = ("count", "detection")
_MOST_PAIRS = 200_000


class Scan:
    """Collects what `Source` and the inspection need to know of a folder.

    Args:
        kinds: Dict of task name to kind.
        known: Dict of task name to class names, where these are given.
        listing: `Listing` of the folder.
        is_table: Boolean, whether the inputs are a table's columns.
        check: Function of an `Example` that raises `Damage` if its labels are
            impossible together. Defaults to `None`: none is checked.

    Attributes:
        num_examples: Integer.
        splits: `collections.Counter` of split, `None` where not given.
        problems: List of `Problem`, the first `MOST_PROBLEMS`.
        num_errors: Integer, how many errors there are.
        counts: Dict of task to `collections.Counter` of `(split, label)`:
            the class, 0 or 1, or `True` for a label of another kind; `None`
            for a missing one. Of tags, words are counted, and objects of
            detections and counts, `True` where there are none.
        columns: `TableColumns`.
        mask_values: Dict of mask task to the set of its classes, as strings.
        has_groups: Boolean.
    """

    def __init__(
        self, kinds: dict, known: dict, listing, *, is_table: bool, check=None
    ):
        self._kinds, self._known = kinds, known
        self._listing, self._is_table = listing, is_table
        self.mask_values = {t: set() for t, k in kinds.items() if k == "mask"}
        self._wrong_masks = set()
        self._check, self._impossible = check, set()
        self.num_examples = self.num_errors = 0
        self.splits = collections.Counter()
        self.problems = []
        self.counts = {task: collections.Counter() for task in kinds}
        self.columns = TableColumns()
        self.has_groups = False
        self._first = {task: {} for task in kinds}
        self._first_of_split = {}
        self._schemes = {
            task: tags.Scheme() for task, k in kinds.items() if k == "tagging"
        }
        self._wrong = {task: set() for task in kinds}

    def see(self, item: Example | Problem) -> None:
        """Counts an example, or keeps a problem."""
        if isinstance(item, Problem):
            self.add(item)
            return
        if not all(self._is_sound(item, task) for task in self.mask_values):
            return
        if not self._is_possible(item):
            return
        self.num_examples += 1
        self.splits[item.split] += 1
        self._first_of_split.setdefault(item.split, item.place)
        self.has_groups |= item.group is not None
        if self._is_table:
            self.columns.see(item)
        for task, kind in self._kinds.items():
            label = item.labels[task]
            if kind == "tagging" and label is not None:
                self._schemes[task].see(label)
                for index, tag in enumerate(label):
                    self.counts[task][item.split, tag] += 1
                    if tag not in self._first[task]:
                        self._first[task][tag] = item.place_of(task, index)
            elif kind in _OF_OBJECTS and label is not None:
                for name in objects.class_names_of(kind, label) or [True]:
                    self.counts[task][item.split, name] += 1
                    self._first[task].setdefault(name, item.place_of(task))
            else:
                counted = _counted(kind, label)
                self.counts[task][item.split, counted] += 1
                if kind == "classification":
                    self._first[task].setdefault(counted, item.place_of(task))

    def add(self, problem: Problem) -> None:
        """Keeps a problem."""
        self.num_errors += problem.is_error
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    def finish(self) -> None:
        """Judges what only the whole folder shows."""
        for task, kind in self._kinds.items():
            if kind == "tagging":
                self._convert_counts(task)
            if kind in ("classification", "tagging", *_OF_OBJECTS):
                self._judge_classes(task)
        for problem in self.columns.problems():
            self.add(problem)
        self._judge_splits()

    def class_names(self, task: str) -> list[str]:
        """Returns the names of the classes that were seen, sorted."""
        names = {name for _, name in self.counts[task]}
        return sorted(names - {None, True})

    def num_labels(self, task: str) -> int:
        """Counts a task's labels; of tags, the words that have one."""
        counts = self.counts[task]
        return sum(n for (_, label), n in counts.items() if label is not None)

    def scheme(self, task: str) -> str:
        """Names the scheme of a tagging task's labels."""
        return self._schemes[task].name

    def num_repaired(self, task: str) -> int:
        """Counts the tags of a task that begin a span against its scheme."""
        return self._schemes[task].num_repaired

    def is_wrong(self, example: Example) -> bool:
        """Tells whether an example has a label that is reported as wrong."""
        for task, wrong in self._wrong.items():
            label = example.labels[task]
            if wrong and label is not None:
                labels = label if isinstance(label, list) else [label]
                if self._kinds[task] in _OF_OBJECTS:
                    kind = self._kinds[task]
                    labels = objects.class_names_of(kind, label)
                if not wrong.isdisjoint(labels):
                    return True
        return (
            example.inputs.get("image") in self._wrong_masks
            or example.place in self._impossible
            or self.columns.is_wrong(example)
        )

    def converted(self, example: Example) -> Example:
        """Converts an example's tags to BIO."""
        for task, scheme in self._schemes.items():
            label = example.labels[task]
            if label is not None:
                is_plain = scheme.name == "plain"
                example.labels[task] = tags.to_bio(label, is_plain=is_plain)
        return example

    def _is_possible(self, example):
        """Looks at what the entry expects of an example's labels."""
        if self._check is None:
            return True
        try:
            self._check(example)
        except Damage as damage:
            self._impossible.add(example.place)
            self.add(damage.at(example.place.file, damage.line))
            return False
        return True

    def _is_sound(self, example, task):
        """Looks at an example's mask, and keeps its classes."""
        mask = example.labels[task]
        if mask is None:
            return True
        try:
            seen = mask.values(self._listing)
        except Damage as damage:
            self._wrong_masks.add(example.inputs["image"])
            place = example.place_of(task)
            self.add(damage.at(place.file, damage.line or place.line))
            return False
        self.mask_values[task] |= seen
        known = self._known.get(task)
        too_high = {
            value
            for value in seen - {str(masks.MISSING)}
            if known and value.isdigit() and int(value) >= len(known)
        }
        if mask.file is not None and too_high:
            text = (
                f"Expected pixels from 0 to {len(known) - 1}, or 255. "
                f"Received: {max(too_high, key=int)}"
            )
            self._wrong_masks.add(example.inputs["image"])
            self.add(Problem(Place(mask.file), text))
            return False
        return True

    def _judge_splits(self):
        named = [split for split in self.splits if split]
        if not named:
            return
        if None in self.splits:
            text = (
                "Expected a split, as other examples have one. Received: "
                f"none for {self.splits[None]:,} examples"
            )
            self.add(Problem(self._first_of_split[None], text))
        elif "train" not in named and not self.num_errors:
            text = f"Expected a split 'train'. Received: {listed(named)}"
            self.add(Problem(self._first_of_split[named[0]], text))

    def _convert_counts(self, task):
        """Merges the counts of tags that BIO writes alike."""
        is_plain = self.scheme(task) == "plain"
        merged = collections.Counter()
        first = {}
        for (split, tag), number in self.counts[task].items():
            place = self._first[task].get(tag)
            name = tag
            if tag is not None and not is_plain:
                prefix, kind = tags.split(tag)
                if prefix is None and tag != "O":
                    text = "Expected O or a tag such as B-city."
                    self.add(Problem(place, f"{text} Received: {tag[:40]!r}"))
                    self._wrong[task].add(tag)
                    continue
                if prefix is not None:
                    name = f"{'B' if prefix in 'BSU' else 'I'}-{kind}"
            merged[split, name] += number
            first.setdefault(name, place)
        self.counts[task], self._first[task] = merged, first

    def _judge_classes(self, task):
        totals = collections.Counter()
        for (_, name), number in self.counts[task].items():
            if name not in (None, True):
                totals[name] += number
        known = self._known.get(task)
        if known is None:
            self._report_misspelt(task, totals)
            return
        for name in totals:
            if name not in known:
                text = f"Unknown class of {task!r}: {name!r}."
                if len(known) <= _MOST_CLASSES:
                    text += f" Expected one of {listed(known)}."
                text += did_you_mean(name, known)
                self.add(Problem(self._first[task][name], text))
                self._wrong[task].add(name)

    def _report_misspelt(self, task, totals):
        """Reports names that are most likely another one, misspelt."""
        totals, first = self._kind_totals(task, totals)
        in_train = {
            name
            for split, name in self.counts[task]
            if split == "train" and name is not True
        }
        in_train = {tags.split(str(name))[1] or name for name in in_train}
        often = {name: n for name, n in totals.items() if n >= _OFTEN}
        if len(often) * len(totals) > _MOST_PAIRS:
            # Thousands of classes are not typed by hand.
            return
        for name, number in totals.items():
            # Rare, or only in a split that no model is trained on.
            is_foreign = bool(in_train) and name not in in_train
            if number > 1 and not is_foreign:
                continue
            for other in often:
                if is_foreign and other not in in_train:
                    continue
                if is_misspelt(name, other):
                    self._report(task, name, number, other, first[name])
                    break

    def _report(self, task, name, number, other, place):
        times = "once" if number == 1 else f"{number:,} times"
        self.add(
            Problem(
                place,
                f"The class {name!r} of {task!r} stands {times}. Did you mean "
                f"{other!r}? If not, list all classes in classes.txt.",
            )
        )
        self._wrong[task] |= {name, *(f"{p}-{name}" for p in "BIESLU")}

    def _kind_totals(self, task, totals):
        """Of tags, counts what B and I begin and continue."""
        first = self._first[task]
        if self._kinds[task] != "tagging":
            return totals, first
        merged, places = collections.Counter(), {}
        for name, number in totals.items():
            kind = tags.split(name)[1] or name
            merged[kind] += number
            places.setdefault(kind, first[name])
        return merged, places


def _counted(kind, label):
    if label is None or kind in ("classification", "presence"):
        return label
    return True
