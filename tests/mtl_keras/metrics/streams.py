"""Feeds arrays to a streaming metric in uneven batches."""

import keras
import numpy as np


def feed(metric, y_true, y_pred, weight=None, sizes=(7, 1, 64, 13)):
    """Updates the metric batch by batch and returns its result."""
    start, turn = 0, 0
    while start < len(y_true):
        batch = slice(start, start + sizes[turn % len(sizes)])
        metric.update_state(
            y_true[batch],
            y_pred[batch],
            None if weight is None else weight[batch],
        )
        start, turn = batch.stop, turn + 1
    return float(metric.result())


def feed_compiled(metric, y_true, y_pred, weight):
    """Updates the metric once inside an XLA step and returns its result."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.function(metric.update_state, jit_compile=True)(
            y_true, y_pred, weight
        )
        return float(metric.result())
    import jax

    state = jax.jit(metric.stateless_update_state)(
        [v.value for v in metric.variables], y_true, y_pred, weight
    )
    return float(metric.stateless_result(state))


def classes(count, num_classes, seed=0):
    """Class numbers, probabilities that are often right, weights 0 or 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, num_classes, count)
    logits = (
        rng.normal(size=(count, num_classes)) + 1.5 * np.eye(num_classes)[y]
    )
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    weight = (rng.random(count) < 0.7).astype("float32")
    return y, p.astype("float32"), weight


def yes_or_no(*shape, seed=0):
    """Labels, probabilities that are often right, weights 0 or 1."""
    rng = np.random.default_rng(seed)
    y = (rng.random(shape) < 0.3).astype("int32")
    p = 1 / (1 + np.exp(-(rng.normal(size=shape) + 2 * y - 1)))
    weight = (rng.random(shape) < 0.7).astype("float32")
    return y, p.astype("float32"), weight


def boxes(count, seed=0):
    """True boxes, predicted boxes near most of them, weights 0 or 1."""
    rng = np.random.default_rng(seed)
    side = rng.uniform(0.1, 0.6, (count, 2))
    low = rng.uniform(0, 1, (count, 2)) * (1 - side)
    true = np.concatenate([low, low + side], -1).astype("float32")
    noise = rng.normal(scale=0.08, size=true.shape)
    weight = (rng.random(count) < 0.7).astype("float32")
    return true, (true + noise).astype("float32"), weight


def numbers(*shape, seed=0):
    """Labels far from 0, predictions near them, weights 0 or 1."""
    rng = np.random.default_rng(seed)
    y = rng.normal(loc=50, scale=5, size=shape).astype("float32")
    p = (y + rng.normal(size=shape)).astype("float32")
    return y, p, (rng.random(shape) < 0.7).astype("float32")


def directions(count, seed=0):
    """Directions of any length, predictions near them, weights 0 or 1."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(count, 3)).astype("float32")
    p = (y + 0.5 * rng.normal(size=(count, 3))).astype("float32")
    return y, p, (rng.random(count) < 0.7).astype("float32")


def survival(count, seed=0, *, ties=False):
    """Times and events, risks that are often right, weights 0 or 1."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=count)
    time = rng.exponential(np.exp(-risk)) + 0.01
    if ties:
        time, risk = np.ceil(3 * time), np.round(2 * risk)
    label = np.stack([time, rng.random(count) < 0.6], -1).astype("float32")
    risk = risk + (0 if ties else rng.normal(size=count))
    weight = (rng.random(count) < 0.7).astype("float32")
    return label, risk.astype("float32")[:, None], weight


def iou_by_hand(a, b):
    """Intersection over union of two boxes in plain Python."""
    if min(a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1]) <= 0:
        return 0.0
    width = max(0.0, float(min(a[2], b[2])) - float(max(a[0], b[0])))
    height = max(0.0, float(min(a[3], b[3])) - float(max(a[1], b[1])))
    areas = [float(c[2] - c[0]) * float(c[3] - c[1]) for c in (a, b)]
    return width * height / (sum(areas) - width * height)
