"""What a look at a folder shows before a model is trained on it."""

import collections
import hashlib
import random
from collections.abc import Iterable

from mtl_keras.messages import counted, listed
from zoo.datasets.folders import objects, tags
from zoo.datasets.folders.division import key_of
from zoo.datasets.folders.records import Example, Place, Problem
from zoo.datasets.folders.source import Source

NUM_DRAWN = 24
# `mtl_keras.data.SentencePreprocessor`: longer sentences are refused.
MAX_TOKENS = 512
_BYTES_PER_TOKEN = 16
# A class this many times rarer than the most frequent one is mentioned.
_IMBALANCE = 20
# Fewer examples or groups than this leave one of three splits empty.
_FEWEST = 7
_NO_SPLIT = "all"
# Kinds whose classes may be imbalanced.
_JUDGED = ("classification", "count", "detection", "presence", "tagging")


class Inspection:
    """Reads a folder once more, with the content of its files.

    Args:
        source: `Source`.
        max_tokens: Integer, the most words of a sentence.
        seed: Integer, decides which examples are drawn.
        required: Strings, tasks that are trained on even without labels.
            Training leaves out other tasks that have none.
        numbered: Strings, tasks whose classes are places in the input, such as
            the heads of words. Their labels are counted as one, since far
            places are rare in any folder.

    Attributes:
        splits: Tuple of strings, the splits named, or `("all",)`.
        num_examples: `collections.Counter` of split.
        counts: Dict of task name to `collections.Counter` of `(split,
            label)`: the class, `"yes"` or `"no"`, `"labelled"`, or
            `"missing"`; of tags, the kinds of spans.
        problems: List of `Problem`, errors first.
        drawn: List of up to `NUM_DRAWN` `Example`, chosen at random.
    """

    def __init__(
        self,
        source: Source,
        max_tokens: int = MAX_TOKENS,
        seed: int = 0,
        required: Iterable[str] = (),
        numbered: Iterable[str] = (),
    ):
        self.source = source
        self._numbered = frozenset(numbered)
        self._required = frozenset(required)
        self.num_examples = collections.Counter()
        self.counts = {task: collections.Counter() for task in source.kinds}
        self.drawn = []
        self._max_tokens = max_tokens
        self._random = random.Random(seed)
        self._unreadable = set()
        self._first = {}
        self._units = set()
        self._duplicates = collections.defaultdict(list)
        self._problems = list(source.problems())
        self._look()
        self.splits = tuple(
            split
            for split in ("train", "validation", "test", _NO_SPLIT)
            if self.num_examples[split]
        )
        self._judge()
        self.problems = sorted(self._problems, key=lambda p: not p.is_error)
        unlisted = source.scan.num_errors - sum(
            problem.is_error for problem in source.problems()
        )
        self.num_errors = sum(p.is_error for p in self.problems) + unlisted

    @property
    def num_warnings(self) -> int:
        """How many problems training would not fail for."""
        return sum(not problem.is_error for problem in self.problems)

    def classes(self, task: str) -> list[str]:
        """Returns what a task's labels are counted by, missing ones last."""
        kind = self._counted_kind(task)
        if kind in ("classification", "count", "detection"):
            names = list(self.source.class_names[task])
        elif kind == "presence":
            names = ["yes", "no"]
        elif kind == "tagging":
            known = self.source.class_names[task]
            names = list(
                dict.fromkeys(
                    tags.split(name)[1] or name for name in known if name != "O"
                )
            )
        else:
            names = ["labelled"]
        return [*names, "missing"]

    def _counted_kind(self, task):
        """A task's kind, or `None`, of which only labelled ones are counted."""
        return None if task in self._numbered else self.source.kinds[task]

    def _look(self):
        """Passes over the examples; files are decoded where there are any."""
        if self.source.inputs == "image":
            for example, total, problem in self.source.contents():
                if problem is not None:
                    self._problems.append(problem)
                    continue
                self._see(example, total)
            return
        for example in self.source.readable_examples():
            self._see(example, self._sum(example))

    def _sum(self, example):
        if self.source.inputs in ("audio", "clip"):
            file = example.inputs[self.source.inputs]
            path = self.source.listing.path(file)
            content = path.read_bytes()
        elif self.source.inputs == "text":
            content = " ".join(example.inputs["tokens"]).encode()
        else:
            # Rows of a table may well be alike.
            return None
        return hashlib.blake2b(content, digest_size=16).digest()

    def _see(self, example: Example, total):
        split = example.split or _NO_SPLIT
        self.num_examples[split] += 1
        for task in self.source.kinds:
            kind = self._counted_kind(task)
            for name in _counted(kind, example.labels[task]):
                self.counts[task][split, name] += 1
        if split in ("train", _NO_SPLIT) and len(self._units) < _FEWEST:
            self._units.add(example.group or key_of(example))
        if total is not None:
            self._see_duplicate(example, total, split)
        if self.source.inputs == "text":
            self._see_length(example)
        # A reservoir: each example is drawn with the same probability.
        seen = self.num_examples.total()
        if seen <= NUM_DRAWN:
            self.drawn.append(example)
        elif (place := self._random.randrange(seen)) < NUM_DRAWN:
            self.drawn[place] = example

    def _see_duplicate(self, example, total, split):
        first = self._first.setdefault(total, (split, example.place))
        if first[1] is not example.place:
            pair = tuple(sorted((first[0], split)))
            self._duplicates[pair].append((example.place, first[1]))

    def _see_length(self, example):
        tokens = example.inputs["tokens"]
        num_bytes = sum(len(token.encode()) + 1 for token in tokens)
        limit = self._max_tokens
        if len(tokens) > limit or num_bytes > limit * _BYTES_PER_TOKEN:
            text = (
                f"Expected a sentence of at most {limit} words and "
                f"{limit * _BYTES_PER_TOKEN:,} bytes. Received: "
                f"{len(tokens)} words, {num_bytes:,} bytes"
            )
            self._problems.append(Problem(example.place, text))

    def _judge(self):
        whole = Place(str(self.source.folder))
        for task in self.source.kinds:
            self._judge_task(task, whole)
        for (first, second), pairs in sorted(self._duplicates.items()):
            where = f"within {first!r}"
            if first != second:
                where = f"both in {first!r} and in {second!r}"
            place, original = pairs[0]
            self._warn(
                place,
                f"{counted(len(pairs), 'example')} given twice, {where}; this "
                f"one as {original}",
            )
        is_divided = "validation" not in self.splits
        if is_divided and len(self._units) < _FEWEST:
            text = (
                f"Expected at least {_FEWEST} different examples, or groups, "
                f"to divide. Received: {len(self._units)}"
            )
            self._problems.append(Problem(whole, text))

    def _judge_task(self, task, whole):
        training = self.splits[0] if self.splits else _NO_SPLIT
        names = self.classes(task)[:-1]
        totals = {name: self.counts[task][training, name] for name in names}
        is_labelled = sum(totals.values()) > 0
        kind = self.source.kinds[task]
        labelled = self.source.labelled
        if labelled and task not in {*labelled, *self._required}:
            self._warn(
                whole, f"There are no labels of {task!r}: it is left out."
            )
            return
        if not is_labelled:
            self._problems.append(
                Problem(
                    whole,
                    f"Expected labels of {task!r} in the training split. "
                    "Received: none. Label some, or leave the task out by "
                    "`tasks`, here --tasks.",
                )
            )
            return
        if kind == "classification" and len(names) < 2:
            self._problems.append(
                Problem(
                    whole,
                    f"Expected two or more classes of {task!r}. "
                    f"Received: {listed(names)}",
                )
            )
        if kind not in _JUDGED:
            return
        if kind == "tagging" and self.source.scan.num_repaired(task):
            self._warn(
                whole,
                f"{self.source.scan.num_repaired(task):,} tags I of {task!r} "
                "continue nothing: each begins a span",
            )
        most = max(totals.values())
        rare = [n for n, total in totals.items() if total * _IMBALANCE < most]
        if rare:
            self._warn(
                whole,
                f"{task!r} is imbalanced: {listed(rare[:5])}"
                f"{' and others' if len(rare) > 5 else ''} occur less than "
                f"1/{_IMBALANCE} as often as the most frequent class",
            )

    def _warn(self, place, text):
        self._problems.append(Problem(place, text, is_error=False))


def _counted(kind, label):
    """Yields what a label is counted by."""
    if label is None:
        yield "missing"
    elif kind == "presence":
        yield "yes" if label else "no"
    elif kind == "classification":
        yield label
    elif kind in ("count", "detection"):
        yield from objects.class_names_of(kind, label)
    elif kind == "tagging":
        for tag in label:
            prefix, name = tags.split(tag)
            if prefix != "I" and tag != "O":
                yield name or tag
    else:
        yield "labelled"
