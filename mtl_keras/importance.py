"""How much each input column matters to each task, by permutation.

Breiman, Random Forests, Machine Learning 45, 2001; Fisher et al., JMLR 20,
2019, https://arxiv.org/abs/1801.01489.
"""

from collections.abc import Callable, Mapping

import numpy as np

from mtl_keras import checks


def permutation(
    score: Callable[[dict], Mapping[str, float]],
    columns: Mapping[str, np.ndarray],
    *,
    repeats: int = 5,
    seed: int = 0,
) -> dict[str, dict[str, tuple[float, float]]]:
    """Measures what is lost where the values of one column are shuffled.

    Columns that say the same share their importance: shuffling one of them
    leaves the other.

    Args:
        score: Function of a dict of column to array that returns a dict of
            floats, such as a metric of each task. Where lower values are
            better, return them negated.
        columns: Dict of column to array, its first axis that of the examples.
        repeats: Integer of at least 1, how often each column is shuffled.
        seed: Integer.

    Returns:
        Dict, for each key of `score` a dict of column to `(mean, spread)`:
        the score with all columns minus that with the shuffled one, over the
        repeats; the columns that matter most first.

    Raises:
        ValueError: If there is no column, or the lengths differ.
    """
    checks.integer("repeats", repeats, low=1)
    columns = {name: np.asarray(values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(
            "Expected columns with the same number of examples. "
            f"Received: {lengths}"
        )
    (size,) = set(lengths.values())
    whole = dict(score(columns))
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(size) for _ in range(repeats)]
    losses = {key: {} for key in whole}
    for name, values in columns.items():
        shuffled = [score({**columns, name: values[o]}) for o in orders]
        for key, value in whole.items():
            lost = np.array([value - float(each[key]) for each in shuffled])
            losses[key][name] = float(lost.mean()), float(lost.std())
    return {
        key: dict(sorted(values.items(), key=lambda item: -item[1][0]))
        for key, values in losses.items()
    }
