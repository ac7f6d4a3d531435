"""How much to share, learned: `cross_stitch` between separate and shared.

Task `b` has 500 labels, task `a` has 4,000. The labels of `b` are
`r * f(x) + sqrt(1 - r^2) * g(x)` with `f` the labels of `a`, `g` independent
of `f`, and all of variance 1. The trunk ends in one feature. At `r = 1` that
of `a` is all that `b` needs; at `r = 0` it is useless, and with one feature for
both the errors of `a` and `b` sum to 1 at the least. The error is that of `b`.
"Mixed" is the part of `b`'s feature that `cross_stitch` takes from `a`,
|alpha_ba| over |alpha_ba| + |alpha_bb| at the last stage: 0.1 at the start. If
the features were `f` and `g`, it would be 0, 0.5 and 1.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.sharing.layers.cross_stitch_unit import CrossStitchUnit
from zoo.problems import models

_INPUTS = 10
_SHARINGS = {
    "separate": {"name": "cross_stitch", "own": 1.0},
    "hard": "hard",
    "cross_stitch": "cross_stitch",
}


def run(seed: int) -> dict:
    """Trains three models at each degree of relatedness."""
    rows = {name: {} for name in _SHARINGS}
    for relatedness in (0.0, 0.7071, 1.0):
        train, test = data(relatedness, seed)
        for name, sharing in _SHARINGS.items():
            model = models.build(
                seed,
                _INPUTS,
                models.regression_tasks(["a", "b"]),
                models.dense_stages(32, 1, linear_end=True),
                sharing,
            )
            units = [
                layer
                for layer in model.layers
                if isinstance(layer, CrossStitchUnit)
            ]
            for unit in units:
                # Separate trunks: the units stay the identity.
                unit.trainable = name != "separate"
            models.train(model, *train, steps=1500, learning_rate=5e-3)
            error = models.errors(model, *test)["b"]
            rows[name][f"error, r = {relatedness:.1f}"] = error
            if name == "cross_stitch":
                rows[name][f"mixed, r = {relatedness:.1f}"] = mixed(units)
            keras.utils.clear_session()
    return rows


def mixed(units) -> float:
    """Computes the part of `b`'s feature that its last unit takes from `a`."""
    last = [unit for unit in units if unit.index == 1][-1]
    alpha = np.abs(ops.convert_to_numpy(last.alpha))
    return float(alpha[0, 0] / alpha.sum())


def data(relatedness: float, seed: int) -> list:
    """Draws training and test examples, most of `b`'s labels missing.

    Args:
        relatedness: Float in [0, 1].
        seed: Integer.

    Returns:
        List of two pairs of inputs and labels.
    """
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(_INPUTS, _INPUTS)))[0][:4]
    reference = rng.normal(size=(20000, _INPUTS))
    scales = [(f.mean(), f.std()) for f in _functions(reference, directions)]
    parts = []
    for count in (4000, 4000):
        x = rng.normal(size=(count, _INPUTS)).astype("float32")
        first, second = (
            (values - mean) / deviation
            for values, (mean, deviation) in zip(
                _functions(x, directions), scales, strict=True
            )
        )
        other = relatedness * first + np.sqrt(1 - relatedness**2) * second
        labels = {"a": first, "b": other}
        if not parts:
            labels["b"][500:] = np.nan
        parts.append((x, {n: v.astype("float32") for n, v in labels.items()}))
    return parts


def _functions(x, directions):
    along = x @ directions.T
    return [
        np.tanh(2 * along[:, 0]) + np.abs(along[:, 1]),
        np.tanh(2 * along[:, 2]) + np.abs(along[:, 3]),
    ]
