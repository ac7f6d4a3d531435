"""Bagging (Breiman, Machine Learning 24, 1996, DOI 10.1007/BF00058655)."""

from collections.abc import Callable

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.ensemble import rows
from mtl_keras.ensemble.averaging import average


def bootstrap_draws(
    num_examples: int, num_members: int, *, seed: int = 0, groups=None
) -> list:
    """Draws examples with replacement, for each member anew.

    Args:
        num_examples: Integer.
        num_members: Integer of at least 1.
        seed: Integer, not negative.
        groups: Array of shape `(num_examples,)` of any values, such as the
            patient or the speaker: whole groups are drawn, as many as there
            are. Defaults to `None`, single examples.

    Returns:
        List of int64 arrays of examples' numbers. Without groups each has the
        length `num_examples`; a draw of members is the same however many
        follow.

    Raises:
        ValueError: If an argument is out of range.
    """
    num_examples = checks.integer("num_examples", num_examples, low=1)
    num_members = checks.integer("num_members", num_members, low=1)
    seed = checks.integer("seed", seed, low=0)
    rng = np.random.default_rng(seed)
    if groups is None:
        return [
            rng.integers(0, num_examples, num_examples)
            for _ in range(num_members)
        ]
    members_of = rows.by_group(groups, num_examples)
    return [
        np.concatenate(
            [
                members_of[group]
                for group in rng.integers(0, len(members_of), len(members_of))
            ]
        )
        for _ in range(num_members)
    ]


def bag(
    fit: Callable,
    x,
    labels: dict,
    *,
    num_members: int = 10,
    seed: int = 0,
    groups=None,
    draws=None,
    name: str = "ensemble",
):
    """Trains each member on a bootstrap draw, and averages them.

    ```python
    def fit(x, labels):
        model = build()
        model.compile("adam")
        model.fit(x, labels, epochs=20, verbose=0)
        return model

    model = ensemble.bag(fit, x, labels, num_members=10)
    ```

    For data that do not fit in memory give numbers of examples as `x`, and
    let `fit` read those examples.

    Args:
        fit: Function of inputs and labels that returns a new, trained
            `MultiTaskModel`. Keras's random seed is set to `seed` plus the
            member's number before each call.
        x: Array of inputs, or a structure of arrays, with an example on the
            first axis.
        labels: Dict of task name to array of labels; missing ones are drawn
            like others.
        num_members: Integer of at least 2.
        seed: Integer, not negative.
        groups: As for `bootstrap_draws`.
        draws: Sequence of arrays of examples' numbers, one a member, in place
            of drawing. Defaults to `None`.
        name: String, the name of the ensemble.

    Returns:
        `MultiTaskModel`, the average of the members; see `average`.

    Raises:
        ValueError: If the arrays differ in length, an argument is out of
            range, or `fit` returns no model of its own.
    """
    rows.check_function("fit", fit)
    size = rows.num_examples(x, labels)
    if draws is None:
        num_members = checks.integer("num_members", num_members, low=2)
        draws = bootstrap_draws(size, num_members, seed=seed, groups=groups)
    elif groups is not None:
        raise ValueError(
            "`groups` are drawn where `draws` are not given. Received: both"
        )
    rows.check_sequence("draws", draws)
    models = []
    for number, draw in enumerate(draws):
        draw = rows.checked("draws", draw, size)
        keras.utils.set_random_seed(seed + number)
        models.append(fit(rows.taken(x, draw), rows.taken(labels, draw)))
    return average(models, name=name)
