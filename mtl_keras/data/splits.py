"""Splits of examples by index: hold-out and folds.

Stratified over several tasks at once, by group, or both; deterministic for a
seed. `split_datasets` returns `tf.data.Dataset`s instead of indices.
"""

import numpy as np

from mtl_keras import checks
from mtl_keras.data import stratification
from mtl_keras.data.strata import strata

__all__ = ["folds", "hold_out", "strata"]

_SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def hold_out(
    num_examples: int,
    shares: dict | None = None,
    *,
    strata=None,
    groups=None,
    seed: int = 0,
) -> dict:
    """Divides examples into named parts.

    ```python
    strata = splits.strata({"intent": intent, "slot": slot}, tasks)
    parts = splits.hold_out(len(intent), {"train": 0.9, "test": 0.1},
                            strata=strata, groups=speaker)
    ```

    Args:
        num_examples: Integer.
        shares: Dict of part name to a positive fraction; they sum to 1.
            Defaults to 0.8 `"train"`, 0.1 `"validation"` and 0.1 `"test"`.
        strata: Array of shape `(num_examples,)` or `(num_examples,
            num_columns)` of any values, such as `splits.strata` makes, or
            a dict of name to array of shape `(num_examples,)`. Every value of
            every column is distributed over the parts by their fractions.
            Defaults to `None`, at random.
        groups: Array of shape `(num_examples,)` of any values: the person,
            the document, the source. A group is never divided; parts have their
            fractions of the examples as nearly as whole groups allow.
        seed: Integer, not negative.

    Returns:
        Dict of part name to a sorted int64 array of examples' indices. Every
        example is in exactly one part.

    Raises:
        ValueError: If an argument is out of range or a part would be empty.
    """
    shares = _SHARES if shares is None else shares
    names, values = _checked_shares(shares)
    codes, groups = _checked(num_examples, strata, groups, seed)
    rng = np.random.default_rng(seed)
    if groups is not None:
        part = stratification.assign_groups(codes, groups, values, rng)
    else:
        part = stratification.assign(codes, values, rng)
    parts = {name: np.flatnonzero(part == i) for i, name in enumerate(names)}
    for name, indices in parts.items():
        if not indices.size:
            units = (
                f"{num_examples} examples"
                if groups is None
                else f"{groups.max() + 1} groups"
            )
            raise ValueError(
                f"The part {name!r} would be empty: {units} are too few for "
                f"{len(names)} parts. Received: shares={shares!r}"
            )
    return parts


def folds(
    num_examples: int,
    num_folds: int = 5,
    *,
    strata=None,
    groups=None,
    validation: float = 0.0,
    seed: int = 0,
) -> list[dict]:
    """Divides examples for cross-validation.

    scikit-learn's `KFold`, `GroupKFold`, `StratifiedKFold` and
    `StratifiedGroupKFold`; for strata of several columns, the method of
    `stratification`.

    Args:
        num_examples: Integer.
        num_folds: Integer of at least 2.
        strata: As for `hold_out`.
        groups: As for `hold_out`; no group is in two folds.
        validation: Float in [0, 1), the fraction of each fold's training
            examples that is held out for validation, by the same rules.
            Defaults to 0, no such part.
        seed: Integer, not negative.

    Returns:
        List of `num_folds` dicts of part name (`"train"`, `"validation"` if
        requested, `"test"`) to a sorted int64 array of examples' indices. Every
        example is in the `"test"` part of exactly one fold.

    Raises:
        ValueError: If an argument is out of range, or there are fewer
            examples or groups than folds.
    """
    codes, groups = _checked(num_examples, strata, groups, seed)
    units = num_examples if groups is None else int(groups.max()) + 1
    num_folds = checks.integer("num_folds", num_folds, low=2)
    if num_folds > units:
        raise ValueError(
            "`num_folds` must be at most the number of "
            f"{'examples' if groups is None else 'groups'}, {units}. "
            f"Received: num_folds={num_folds!r}"
        )
    validation = checks.fraction("validation", validation, below_one=True)
    part = _fold_of_each(codes, groups, num_folds, seed)
    splits = []
    for fold in range(num_folds):
        parts = {"train": np.flatnonzero(part != fold)}
        if validation:
            parts = _held_out(parts["train"], codes, groups, validation, seed)
        splits.append({**parts, "test": np.flatnonzero(part == fold)})
    return splits


def _fold_of_each(codes, groups, num_folds, seed):
    rng = np.random.default_rng(seed)
    if codes.shape[1] > 1:
        shares = np.full(num_folds, 1 / num_folds)
        if groups is None:
            return stratification.assign(codes, shares, rng)
        return stratification.assign_groups(codes, groups, shares, rng)
    from sklearn import model_selection

    options = {"n_splits": num_folds, "shuffle": True}
    options["random_state"] = int(rng.integers(2**32))
    kind = model_selection.KFold
    if groups is not None:
        # GroupKFold assigns groups by size, and equal ones by their number.
        groups = rng.permutation(groups.max() + 1)[groups]
        kind = model_selection.GroupKFold
        if codes.shape[1]:
            kind = model_selection.StratifiedGroupKFold
        else:
            options = {"n_splits": num_folds}
    elif codes.shape[1]:
        kind = model_selection.StratifiedKFold
    label = codes[:, 0] if codes.shape[1] else None
    part = np.full(len(codes), -1)
    splitter = kind(**options)
    for fold, (_, test) in enumerate(splitter.split(codes, label, groups)):
        part[test] = fold
    return part


def _held_out(indices, codes, groups, fraction, seed):
    parts = hold_out(
        len(indices),
        {"train": 1 - fraction, "validation": fraction},
        strata=codes[indices],
        groups=None if groups is None else groups[indices],
        seed=seed,
    )
    return {name: indices[chosen] for name, chosen in parts.items()}


def _checked_shares(shares):
    is_dict = isinstance(shares, dict)
    values = np.array(list(shares.values()) if is_dict else [], np.float64)
    if not (
        len(values)
        and np.all(np.isfinite(values))
        and np.all(values > 0)
        and abs(values.sum() - 1) < 1e-6
    ):
        raise ValueError(
            "`shares` must be a dict of part name to a positive fraction, and "
            f"the fractions must sum to 1. Received: shares={shares!r}"
        )
    return list(shares), values / values.sum()


def _checked(num_examples, strata, groups, seed):
    """Returns the strata as codes, the groups as numbers from 0 up."""
    num_examples = checks.integer("num_examples", num_examples, low=1)
    checks.integer("seed", seed, low=0)
    columns = [
        _codes(f"strata[{name!r}]", column, num_examples)
        for name, column in _stratum_columns(strata)
    ]
    codes = np.array(columns, np.int64).T.reshape(num_examples, len(columns))
    if groups is not None:
        groups = _codes("groups", np.asarray(groups), num_examples)
    return codes, groups


def _stratum_columns(strata) -> list:
    if strata is None:
        return []
    if isinstance(strata, dict):
        return [(name, np.asarray(strata[name])) for name in sorted(strata)]
    strata = np.asarray(strata)
    if strata.ndim == 2:
        return list(enumerate(strata.T))
    return [(0, strata)]


def _codes(name, values, num_examples):
    if values.shape != (num_examples,):
        raise ValueError(
            f"`{name}` must have one value for each of the {num_examples} "
            f"examples. Received: an array of shape {values.shape}"
        )
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError(
            f"`{name}` must not contain NaN. Received: "
            f"{int(np.isnan(values).sum())} of them. Replace them by another "
            "value, or use `splits.strata` for labels."
        )
    if values.dtype.kind == "O":
        numbers = {value: n for n, value in enumerate(dict.fromkeys(values))}
        return np.array([numbers[value] for value in values], np.int64)
    return np.unique(values, return_inverse=True)[1].astype(np.int64)
