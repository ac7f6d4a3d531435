"""One batch of labels and predictions for each registered loss."""

import importlib
import importlib.util

import numpy as np


def probabilities(*shape, seed=0):
    """Softmax of random numbers, away from 0 and 1."""
    logits = np.random.default_rng(seed).normal(size=shape)
    p = np.exp(logits)
    return (p / p.sum(-1, keepdims=True)).astype("float32")


def boxes(count, seed=0):
    """Boxes x1, y1, x2, y2 in [0, 1] with sides of at least 0.02."""
    rng = np.random.default_rng(seed)
    side = rng.uniform(0.02, 0.6, (count, 2))
    low = rng.uniform(0, 1, (count, 2)) * (1 - side)
    return np.concatenate([low, low + side], -1).astype("float32")


def batch(name):
    """Labels, predictions and the shape of the values, for a loss's name.

    A loss that is not listed here has them in its own test file, from a
    function `example()`.
    """
    rng = np.random.default_rng(1)
    yes = rng.integers(0, 2, (8, 1))
    p = rng.uniform(0.05, 0.95, (8, 1)).astype("float32")
    pixels = rng.uniform(0.1, 0.9, (8, 6)).astype("float32")
    times = rng.uniform(0.2, 3.9, 8)
    survival = np.stack([times, rng.integers(0, 2, 8)], -1).astype("float32")
    normals = rng.normal(size=(2, 8, 3)).astype("float32")
    examples = {
        "angular": (normals[0], normals[1], (8,)),
        "binary_cross_entropy": (yes, p, (8,)),
        "box": (boxes(8, 0), boxes(8, 1), (8,)),
        "cox": (survival, rng.normal(size=(8, 1)).astype("float32"), (8,)),
        "cross_entropy": (rng.integers(0, 5, 8), probabilities(8, 5), (8,)),
        "dice": (rng.integers(0, 2, (8, 6)), pixels, (8, 6)),
        "discrete_time": (survival, pixels[:, :4], (8,)),
        "focal": (yes, p, (8,)),
        "giou": (boxes(8, 0), boxes(8, 1), (8,)),
        "huber": (
            rng.normal(size=(8, 3)).astype("float32"),
            rng.normal(size=(8, 3)).astype("float32"),
            (8,),
        ),
        "pairwise_auc": (yes, p, (8,)),
        "scale_invariant_depth": (pixels + 0.5, pixels[::-1], (8, 6)),
        "soft_f1": (yes, p, (8,)),
    }
    return examples[name] if name in examples else _of_its_test_file(name)


def _of_its_test_file(name):
    module_name = f"tests.mtl_keras.losses.test_{name}"
    if importlib.util.find_spec(module_name):
        module = importlib.import_module(module_name)
        if hasattr(module, "example"):
            return module.example()
    raise LookupError(
        f"Loss {name!r} has no batch to test with. Define `example()` in "
        f"{module_name.replace('.', '/')}.py: labels and predictions of eight "
        "examples, and the shape of the loss's values."
    )
