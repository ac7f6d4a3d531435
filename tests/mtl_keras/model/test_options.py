"""Each option of training alone, and pairs, against plain Keras and NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, optimizers

from mtl_keras import MultiTaskModel
from tests import test_case as case

LOSS = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_crossentropy",
    "box": "mean_squared_error",
}
BATCH, STEPS = 16, 5
# Large enough to overflow at first, so that steps are skipped.
SCALE = 2.0**13
# Options that go together are merged: "adam" and "ema" make Adam(use_ema=True).
ALONE = {
    "sgd": {},
    "jit": {"compile": {"jit_compile": True}},
    "no_jit": {"compile": {"jit_compile": False}},
    "eager": {"compile": {"run_eagerly": True}},
    "steps": {"compile": {"steps_per_execution": 2}},
    "float16": {"policy": "mixed_float16"},
    "bfloat16": {"policy": "mixed_bfloat16"},
    "accumulate": {"optimizer": {"gradient_accumulation_steps": 2}},
    "clipnorm": {"optimizer": {"clipnorm": 0.05}},
    "global_clipnorm": {"optimizer": {"global_clipnorm": 0.05}},
    "clipvalue": {"optimizer": {"clipvalue": 0.01}},
    "average": {"optimizer": {"use_ema": True, "ema_momentum": 0.5}},
    "overwrite": {"optimizer": {"use_ema": True, "ema_overwrite_frequency": 2}},
    "decay": {"kind": "AdamW", "optimizer": {"weight_decay": 0.1}},
    "adam": {"kind": "Adam"},
    "l2": {"layers": ["l2"]},
    "norm": {"layers": ["norm"]},
    "dropout": {"layers": ["dropout"]},
    "embedding": {"layers": ["embedding"]},
}
PAIRS = [
    ("jit", "steps"),
    ("jit", "float16"),
    ("jit", "dropout"),
    ("jit", "bfloat16"),
    ("float16", "accumulate"),
    ("float16", "global_clipnorm"),
    ("float16", "average"),
    ("bfloat16", "decay"),
    ("decay", "average"),
    ("accumulate", "clipnorm"),
    ("accumulate", "norm"),
    ("embedding", "global_clipnorm"),
    ("embedding", "l2"),
    ("steps", "l2"),
    ("norm", "average"),
]
# Those that compile longest, or tell least in a quick run.
SLOW = {"no_jit", "jit", "eager", "overwrite", "clipnorm", "clipvalue", "adam"}
CASES = [
    *(
        pytest.param(
            (name,), id=name, marks=[pytest.mark.slow] * (name in SLOW)
        )
        for name in ALONE
    ),
    *(
        pytest.param(pair, id="-".join(pair), marks=pytest.mark.slow)
        for pair in PAIRS
    ),
]


def merged(names):
    """The settings of several options together."""
    found = {"kind": "SGD", "optimizer": {}, "compile": {}, "layers": []}
    for name in names:
        for key, value in ALONE[name].items():
            if isinstance(value, dict):
                found[key].update(value)
            elif isinstance(value, list):
                found[key].extend(value)
            else:
                found[key] = value
    return found


def network(cls, kinds, policy="float32"):
    """A model from given weights, and its inputs."""
    x, _ = case.vector_data(BATCH * STEPS)
    keras.config.set_dtype_policy(policy)
    try:
        inputs = features = keras.Input((8,), name="x")
        if "embedding" in kinds:
            x = np.abs(x * 10).astype("int32") % 12
            inputs = keras.Input((8,), dtype="int32", name="x")
            features = layers.Embedding(12, 5, name="embedding")(inputs)
            features = layers.GlobalAveragePooling1D(name="mean")(features)
        trunk = layers.Dense(
            16,
            "tanh",
            name="trunk",
            kernel_regularizer="l2" if "l2" in kinds else None,
        )(features)
        if "norm" in kinds:
            trunk = layers.BatchNormalization(name="norm")(trunk)
        if "dropout" in kinds:
            trunk = layers.Dropout(0.3, seed=5, name="dropout")(trunk)
        outputs = {
            "cls": layers.Dense(3, "softmax", name="cls")(trunk),
            "det": layers.Dense(1, "sigmoid", name="det")(trunk),
            "box": layers.Dense(4, "sigmoid", name="box")(trunk),
        }
        model = cls(inputs, outputs)
    finally:
        keras.config.set_dtype_policy("float32")
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        if "norm" not in variable.path:
            value = rng.normal(size=variable.shape) * 0.5
            variable.assign(value.astype("float32"))
    return model, x


def compiled(cls, names):
    settings = merged(names)
    policy = settings.get("policy", "float32")
    model, x = network(cls, settings["layers"], policy)
    rate = 0.01 if settings["kind"].startswith("Adam") else 0.1
    optimizer = getattr(optimizers, settings["kind"])(
        rate, **settings["optimizer"]
    )
    if policy == "mixed_float16":
        optimizer = optimizers.LossScaleOptimizer(
            optimizer, initial_scale=SCALE
        )
    model.compile(optimizer, loss=LOSS, **settings["compile"])
    return model, x


class Losses(keras.callbacks.Callback):
    """Records the total loss after each execution."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(logs["loss"])


def train(cls, names, labels):
    model, x = compiled(cls, names)
    losses = Losses()
    model.fit(
        x,
        labels,
        batch_size=BATCH,
        shuffle=False,
        verbose=0,
        callbacks=[losses],
    )
    return model, losses.values


def tolerance(names):
    half = {"float16": 2e-3, "bfloat16": 2e-2}
    found = max(half.get(name, 1e-5) for name in names)
    return {"rtol": found, "atol": found}


def by_hand(answers, labels):
    """Each task's mean over the labels that are there, in NumPy."""
    answers = {n: np.asarray(a, "float64") for n, a in answers.items()}
    cls, det, box = (labels[name] for name in ("cls", "det", "box"))
    chosen = answers["cls"][np.arange(len(cls)), np.maximum(cls, 0)]
    p = answers["det"][:, 0]
    error = (answers["box"] - np.nan_to_num(box)) ** 2
    return {
        "cls_loss": -np.log(chosen)[cls >= 0].mean(),
        "det_loss": -np.log(np.where(det == 1, p, 1 - p))[det >= 0].mean(),
        "box_loss": error[~np.isnan(box)].mean(),
    }


@pytest.mark.sampled
@pytest.mark.parametrize("names", CASES)
def test_trains_like_keras_on_full_labels_and_numpy_on_missing(names):
    _, labels = case.vector_data(BATCH * STEPS, missing=0.0)
    ours, received = train(MultiTaskModel, names, labels)
    column = {**labels, "det": labels["det"][:, None]}
    plain, expected = train(keras.Model, names, column)
    close = tolerance(names)
    assert len(received) == (3 if "steps" in names else STEPS)
    np.testing.assert_allclose(received, expected, **close)
    for one, other in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, **close)
    before, _ = compiled(keras.Model, names)
    moved = [
        np.abs(one - other).max()
        for one, other in zip(
            ours.get_weights(), before.get_weights(), strict=True
        )
    ]
    assert np.isfinite(moved).all() and max(moved) > 1e-3
    if "float16" in names:
        assert float(ours.optimizer.dynamic_scale) < SCALE
    check_missing_labels(ours, names)


def check_missing_labels(model, names):
    _, x = compiled(keras.Model, names)
    _, labels = case.vector_data(BATCH * STEPS, missing=0.4)
    for step in range(2):
        part = slice(BATCH * step, BATCH * (step + 1))
        batch = {name: label[part] for name, label in labels.items()}
        # Dropout in training cannot be drawn again; it is off in evaluation.
        is_training = "dropout" not in names
        answers = model(x[part], training=is_training and "norm" in names)
        answers = {n: case.to_numpy(a) for n, a in answers.items()}
        run = model.train_on_batch if is_training else model.test_on_batch
        logs = run(x[part], batch, return_dict=True)
        expected = by_hand(answers, batch)
        if "l2" not in names:
            expected["loss"] = sum(expected.values())
        for key, value in expected.items():
            np.testing.assert_allclose(
                logs[key], value, err_msg=key, **tolerance(names)
            )
