"""A proposed grouping of tasks into models under a budget.

After Standley et al., ICML 2020, https://arxiv.org/abs/1905.07553, and Fifty et
al., NeurIPS 2021, who estimate a group by its pairs.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from mtl_keras import checks
from mtl_keras.relations.matrix import Relations

# Bell(9) = 21,147 partitions take a tenth of a second.
_MOST_EXACT = 9


@dataclasses.dataclass(frozen=True)
class Grouping:
    """Tasks in models.

    Attributes:
        groups: Tuple of tuples of strings; each task is in one.
        gains: Dict, task name to its mean relation from the others of its
            group, or what a task alone counts.
        score: Float, the mean of the gains: what the grouping maximises.
        cost: Float, the number of models, or their total cost.
        is_exact: Boolean, whether no grouping within the budget has a higher
            score; `False` of the heuristic.
    """

    groups: tuple[tuple[str, ...], ...]
    gains: dict[str, float]
    score: float
    cost: float
    is_exact: bool

    def to_markdown(self, digits: int = 2) -> str:
        """Writes the groups as a table of Markdown."""
        from mtl_keras.comparison import table

        lines = ["| model | tasks | mean gain |", "| --- | --- | ---: |"]
        for number, names in enumerate(self.groups, 1):
            mean = sum(self.gains[name] for name in names) / len(names)
            gain = table.figure(mean, digits)
            lines.append(f"| {number} | {', '.join(names)} | {gain} |")
        return "\n".join(lines) + "\n"


def group(
    relations: Relations,
    *,
    budget: float,
    cost: Callable[[tuple[str, ...]], float] | None = None,
    alone: float = 0.0,
) -> Grouping:
    """Proposes which tasks to train in one model.

    Each task is put into one model. Its gain is the mean relation to it from
    the other tasks of that model, or `alone`; the mean gain over tasks is
    maximised. Up to nine tasks every grouping is tried. Beyond that, groups
    are merged two by two where it raises the score most or costs it least,
    and then single tasks are moved and pairs swapped while that raises it;
    the best grouping seen within the budget is returned.

    Args:
        relations: `Relations`; `strengths()` is read.
        budget: Integer of at least 1, the most models. With `cost`, a number
            above 0, the largest total cost.
        cost: Function of a tuple of task names that returns the cost of one
            model of them, such as its MACs; a number above 0.
        alone: Float, the gain of a task that has a model of its own. The
            default 0 suits measures that are negative for tasks that disturb
            each other, `"affinity"` and `"gradients"`.

    Returns:
        `Grouping`, larger groups first.

    Raises:
        ValueError: If a relation is undefined, the budget is illegal or
            smaller than the cost of any grouping found, or a cost is not a
            number above 0.
    """
    if not isinstance(relations, Relations):
        raise ValueError(
            "`relations` must be a mtl_keras.relations.Relations. Received: "
            f"{type(relations).__name__}. Wrap a matrix as "
            "Relations(names, matrix)."
        )
    if cost is None:
        checks.integer("budget", budget, low=1)
    else:
        checks.number("budget", budget, above=0.0)
    if cost is not None and not callable(cost):
        raise ValueError(
            "`cost` must be a function of a tuple of task names. Received: "
            f"cost={cost!r}"
        )
    checks.number("alone", alone)
    relations.check_defined()
    search = _Search(relations, cost, alone)
    size = len(relations.names)
    is_exact = size <= _MOST_EXACT
    if is_exact:
        most = size if cost is not None else min(size, budget)
        candidates = _partitions(size, most)
    else:
        candidates = search.merged()
    best, cheapest = None, math.inf
    for groups in candidates:
        total = search.total(groups)
        cheapest = min(cheapest, total)
        if total > budget * (1 + 1e-12):
            continue
        # The fewer models, then the cheaper, where scores are equal.
        key = (round(search.score(groups), 12), -len(groups), -total)
        if best is None or key > best[0]:
            best = key, groups
    if best is None:
        raise ValueError(
            "No grouping keeps within the budget. Expected at least "
            f"{cheapest:.6g}, the least total cost found. Received: "
            f"budget={budget!r}"
        )
    groups = best[1]
    if not is_exact:
        groups = search.improved(groups, budget)
    return search.result(groups, is_exact)


class _Search:
    """Scores and costs of groups, each computed once."""

    def __init__(self, relations, cost, alone):
        self.names = relations.names
        self._matrix = np.array(relations.strengths())
        np.fill_diagonal(self._matrix, 0.0)
        self._cost_of = cost
        self._alone = alone
        self._gains, self._costs = {}, {}

    def gain(self, members) -> float:
        """Sums the gains of the tasks of a group."""
        if members not in self._gains:
            self._gains[members] = sum(self.each(members))
        return self._gains[members]

    def each(self, members) -> list[float]:
        """Returns the gain of each task of a group."""
        if len(members) == 1:
            return [self._alone]
        places = list(members)
        block = self._matrix[np.ix_(places, places)]
        return list(block.sum(axis=0) / (len(places) - 1))

    def score(self, groups) -> float:
        return sum(map(self.gain, groups)) / len(self.names)

    def total(self, groups) -> float:
        if self._cost_of is None:
            return float(len(groups))
        return sum(self._cost(members) for members in groups)

    def _cost(self, members) -> float:
        if members not in self._costs:
            value = self._cost_of(tuple(self.names[i] for i in members))
            self._costs[members] = checks.number("cost", value, above=0.0)
        return self._costs[members]

    def merged(self) -> list:
        """Merges groups two by two; all groupings on the way."""
        groups = [(i,) for i in range(len(self.names))]
        path = [tuple(groups)]
        while len(groups) > 1:
            first, second = max(
                itertools.combinations(groups, 2),
                key=lambda pair: (
                    self.gain(tuple(sorted(pair[0] + pair[1])))
                    - self.gain(pair[0])
                    - self.gain(pair[1])
                ),
            )
            groups = [g for g in groups if g not in (first, second)]
            groups.append(tuple(sorted(first + second)))
            path.append(tuple(groups))
        return path

    def improved(self, groups, budget):
        """Moves and swaps tasks while the score rises within the budget."""
        while True:
            allowed = [
                other
                for other in self._neighbours(groups)
                if self.total(other) <= budget * (1 + 1e-12)
            ]
            best = max(allowed, key=self.score, default=groups)
            if self.score(best) <= self.score(groups) + 1e-12:
                return groups
            groups = best

    def _neighbours(self, groups) -> Iterator:
        sets = [frozenset(g) for g in groups]
        place = {i: k for k, members in enumerate(sets) for i in members}
        for i, k in place.items():
            for other in range(len(sets) + 1):
                if other != k:
                    changed = [*sets, frozenset()]
                    changed[k] = changed[k] - {i}
                    changed[other] = changed[other] | {i}
                    yield _tidy(changed)
        for (i, k), (j, m) in itertools.combinations(place.items(), 2):
            if k != m:
                changed = list(sets)
                changed[k] = changed[k] - {i} | {j}
                changed[m] = changed[m] - {j} | {i}
                yield _tidy(changed)

    def result(self, groups, is_exact) -> Grouping:
        groups = sorted(groups, key=lambda g: (-len(g), g))
        gains = {}
        for members in groups:
            for i, gain in zip(members, self.each(members), strict=True):
                gains[self.names[i]] = float(gain)
        return Grouping(
            tuple(tuple(self.names[i] for i in g) for g in groups),
            {name: gains[name] for name in self.names},
            float(self.score(groups)),
            float(self.total(groups)),
            is_exact,
        )


def _tidy(sets) -> tuple:
    return tuple(tuple(sorted(members)) for members in sets if members)


def _partitions(size: int, most: int) -> Iterator[tuple]:
    """Yields every partition of `range(size)` into at most `most` groups."""

    def extend(place, groups):
        if place == size:
            yield tuple(map(tuple, groups))
            return
        for members in list(groups):
            members.append(place)
            yield from extend(place + 1, groups)
            members.pop()
        if len(groups) < most:
            groups.append([place])
            yield from extend(place + 1, groups)
            groups.pop()

    yield from extend(0, [])
