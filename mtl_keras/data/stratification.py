"""Divides data into parts with the same distribution of labels.

The iterative stratification of Sechidis, Tsoumakas and Vlahavas ("On the
stratification of multi-label data", ECML PKDD 2011) assigns examples
by one label at a time, the rarest, and is coarse if many labels are common.
Here

1. of the examples that agree in all tasks each part gets its fraction, rounded
   down, which preserves the tasks' joint distribution;
2. each remaining example goes to the part where the sum over its strata of
   `(held - wanted)**2 / wanted` grows least.

On 1,000 (8,000) examples with 13 labels of 3 to 7 values the worst stratum of
five folds was off by 1.1% (0.14%) of a fold; with the iterative method by 5.0%
(1.5%).
"""

import numpy as np

# Growths are sums of fractions; rounding makes exact ties equal.
_DECIMALS = 9
_MOST_ROUNDS = 20


def sizes(num_examples: int, shares) -> np.ndarray:
    """Divides a number of examples into parts, by largest remainders.

    Args:
        num_examples: Integer.
        shares: Sequence of floats that sum to 1.

    Returns:
        int64 array of shape `(num_parts,)` that sums to `num_examples`.
    """
    wanted = np.round(np.asarray(shares) * num_examples, _DECIMALS)
    rounded = np.floor(wanted).astype(np.int64)
    first = np.argsort(rounded - wanted, kind="stable")
    rounded[first[: num_examples - rounded.sum()]] += 1
    return rounded


def assign(codes, shares, rng) -> np.ndarray:
    """Assigns single examples to parts.

    Args:
        codes: Integer array of shape `(num_examples, num_columns)`; each
            column is one label, each of its values a stratum.
        shares: Sequence of floats that sum to 1, the parts' fractions.
        rng: `numpy.random.Generator`.

    Returns:
        int64 array of shape `(num_examples,)`, the part of each example. The
        parts have the sizes of `sizes`.
    """
    room = sizes(len(codes), shares)
    fractions = room / len(codes)
    part = _assign_combinations(codes, fractions, rng)
    strata = _numbered(codes)
    totals = np.bincount(strata.ravel())
    held = np.zeros((len(room), len(totals)))
    for number in range(len(room)):
        chosen = strata[part == number].ravel()
        held[number] = np.bincount(chosen, minlength=len(totals))
    room = room - np.bincount(part[part >= 0], minlength=len(room))
    weights = 1 / np.maximum(totals, 1)
    # In random order: a sorted order would fill unequal parts unevenly.
    for example in rng.permutation(np.flatnonzero(part < 0)):
        own = strata[example]
        growth = (2 * held[:, own] + 1) @ weights[own]
        growth = np.round(growth / np.maximum(fractions, 1e-12), _DECIMALS)
        growth[room <= 0] = np.inf
        chosen = rng.choice(np.flatnonzero(growth == growth.min()))
        part[example] = chosen
        held[chosen, own] += 1
        room[chosen] -= 1
    return part


def assign_groups(codes, groups, shares, rng) -> np.ndarray:
    """Assigns whole groups to parts, the most uneven first.

    Each goes to the part whose imbalance grows least, as in scikit-learn's
    `StratifiedGroupKFold`, which supports one label and equal parts only.

    Args:
        codes: Integer array of shape `(num_examples, num_columns)`.
        groups: Integer array of shape `(num_examples,)`, from 0 up.
        shares: Sequence of floats that sum to 1.
        rng: `numpy.random.Generator`.

    Returns:
        int64 array of shape `(num_examples,)`, the part of each example.
    """
    shares = np.asarray(shares)
    num_columns = max(codes.shape[1], 1)
    strata = _numbered(codes)
    num_strata = int(strata.max(initial=-1)) + 1
    num_groups = int(groups.max()) + 1
    # The last stratum is the number of examples, as heavy as all the labels.
    counts = np.zeros((num_groups, num_strata + 1))
    for column in strata.T:
        np.add.at(counts, (groups, column), 1)
    counts[:, -1] = np.bincount(groups, minlength=num_groups)
    weights = 1 / counts.sum(axis=0)
    weights[-1] *= num_columns
    parts = np.full(num_groups, -1)
    held = np.zeros((len(shares), num_strata + 1))
    order = rng.permutation(num_groups)
    unevenness = np.square(counts) @ weights
    order = order[np.argsort(-unevenness[order], kind="stable")]
    # Early groups were placed without knowing the rest: move them until none
    # improves.
    for _ in range(_MOST_ROUNDS):
        num_moved = 0
        for group in order:
            count, before = counts[group], parts[group]
            if before >= 0:
                held[before] -= count
            growth = ((2 * held + count) * count) @ weights / shares
            growth = np.round(growth, _DECIMALS)
            best = np.argmin(growth)
            if before >= 0 and growth[before] <= growth[best]:
                best = before
            num_moved += best != before
            parts[group] = best
            held[best] += count
        if not num_moved:
            break
    return parts[groups]


def _numbered(codes):
    """Numbers all values of all columns without overlap."""
    columns, first = [], 0
    for column in codes.T:
        _, inverse = np.unique(column, return_inverse=True)
        columns.append(inverse + first)
        first += inverse.max() + 1
    shape = (len(codes), codes.shape[1])
    return np.reshape(np.array(columns, np.int64).T, shape)


def _assign_combinations(codes, fractions, rng):
    """Assigns each combination's rounded-down fractions; -1 is unassigned."""
    _, combination, number = np.unique(
        codes, axis=0, return_inverse=True, return_counts=True
    )
    combination = np.reshape(combination, -1)
    whole = np.floor(np.round(number[:, None] * fractions, _DECIMALS)).astype(
        np.int64
    )
    shuffled = rng.permutation(len(codes))
    by_combination = shuffled[np.argsort(combination[shuffled], kind="stable")]
    first = np.concatenate([[0], np.cumsum(number)[:-1]])
    rank = np.empty(len(codes), np.int64)
    rank[by_combination] = np.arange(len(codes)) - np.repeat(first, number)
    bounds = np.cumsum(whole, axis=1)[combination]
    part = (rank[:, None] >= bounds).sum(axis=1)
    part[part == len(fractions)] = -1
    return part
