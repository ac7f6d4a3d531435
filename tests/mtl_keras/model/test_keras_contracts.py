"""Whatever contract a plain `keras.Model` keeps, `MultiTaskModel` keeps.

Each contract trains a `keras.Model` and a `MultiTaskModel` with the same
layers, weights and data, and compares every log and all weights. What differs
on purpose is in `test_keras_differences.py`.

Read from Keras 3.15: `Trainer.compile` and `fit`, `CompileLoss`,
`CompileMetrics`, `losses/loss.py`, the data adapters, and their tests.
"""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import MultiTaskModel
from tests.mtl_keras.model.twins import (
    LABELS,
    LOSSES,
    NUM,
    ONE_HOT,
    PRICE,
    SOLD,
    TAG_LABELS,
    TAG_LOSSES,
    TOKEN_WEIGHT,
    TOKENS,
    WEIGHT,
    AbsoluteError,
    MeanError,
    X,
    absolute_error,
    dense,
    tagger,
    trained,
)


def fit(compiled=None, labels=None, *, tasks=None, between=None, **options):
    """A contract of a dense model: a function of the model's class."""
    labels = LABELS if labels is None else labels
    tasks = tuple(labels) if tasks is None else tasks
    losses = {name: LOSSES[name] for name in tasks}

    def contract(model_class):
        # Metrics and callbacks are made anew: each belongs to one model.
        given = {"loss": losses, **(compiled() if compiled else {})}
        arguments = {
            key: value() if key == "callbacks" else value
            for key, value in options.items()
        }
        model = dense(model_class, between, tasks)
        return trained(model, given, (X, labels), **arguments)

    return contract


def tag(compiled=None, *, recurrent=False, **options):
    """A contract of a model of tokens, whose embedding masks the padding."""

    def contract(model_class):
        given = {"loss": TAG_LOSSES, **(compiled() if compiled else {})}
        model = tagger(model_class, recurrent)
        return trained(model, given, (TOKENS, TAG_LABELS), **options)

    return contract


def weights_of(labels, weight=WEIGHT):
    return dict.fromkeys(labels, weight)


class Batches(keras.utils.PyDataset):
    def __init__(self, weighted=False):
        super().__init__()
        self.weighted = weighted

    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(index * 10, index * 10 + 10)
        labels = {name: label[part] for name, label in LABELS.items()}
        if not self.weighted:
            return X[part], labels
        return X[part], labels, weights_of(labels, WEIGHT[part])


def generator():
    batches = Batches()
    for index in range(len(batches)):
        yield batches[index]


def tf_dataset(labels=None, repeat=False):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, labels or LABELS)).batch(10)
    return data.repeat() if repeat else data


def from_data(make, **options):
    def contract(model_class):
        model = dense(model_class)
        return trained(model, {"loss": LOSSES}, make(), **options)

    return contract


def class_weighted(labels):
    """A contract of `class_weight`; Keras takes it with one output only."""

    def contract(model_class):
        model = dense(model_class, tasks=("sold",))
        loss = {"loss": {"sold": "binary_crossentropy"}}
        weight = {0: 0.5, 1: 10.0}
        if model_class is MultiTaskModel:
            weight = {"sold": weight}
        return trained(model, loss, (X, labels), class_weight=weight)

    return contract


def on_batches(model_class):
    model = dense(model_class)
    model.compile(
        keras.optimizers.SGD(0.1),
        loss=LOSSES,
        metrics={"price": ["mae"]},
        run_eagerly=True,
    )
    calls = {
        "first": model.train_on_batch(X, LABELS, return_dict=True),
        "second": model.train_on_batch(X, LABELS, return_dict=True),
        "test": model.test_on_batch(X, LABELS, return_dict=True),
        "all": model.evaluate(X, LABELS, verbose=0, return_dict=True),
    }
    values = {
        f"{call}_{key}": float(value)
        for call, logs in calls.items()
        for key, value in logs.items()
    }
    values["length"] = len(model.evaluate(X, LABELS, verbose=0))
    return values


def evaluated_in_steps(model_class):
    model = dense(model_class)
    model.compile(loss=LOSSES, run_eagerly=True)
    return model.evaluate(
        X, LABELS, batch_size=5, steps=2, verbose=0, return_dict=True
    )


def batch_logs(model_class):
    class Seen(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.logs = {}

        def on_train_batch_end(self, batch, logs=None):
            self.logs.update({f"{batch}_{k}": v for k, v in logs.items()})

    seen = Seen()
    fit(callbacks=lambda: [seen])(model_class)
    return seen.logs


def two_fits(model_class):
    model = dense(model_class)
    first = trained(model, {"loss": LOSSES}, (X, LABELS))
    history = model.fit(
        X, LABELS, initial_epoch=2, epochs=5, verbose=0, shuffle=False
    )
    values = {f"2_{key}": steps[-1] for key, steps in history.history.items()}
    return {**first, **values, "epochs": len(history.epoch)}


def overridden_metrics(model_class):
    class Own(model_class):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            logs = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**logs, "extra": ops.convert_to_tensor(3.0)}

    return trained(dense(Own), {"loss": LOSSES}, (X, LABELS))


def stopped(model_class):
    stop = keras.callbacks.EarlyStopping(
        "val_loss", min_delta=1e9, patience=1, restore_best_weights=True
    )
    contract = fit(
        epochs=5, validation_data=(X, LABELS), callbacks=lambda: [stop]
    )
    return {**contract(model_class), "stopped": stop.stopped_epoch}


def named_metrics():
    return {
        "price": [keras.metrics.RootMeanSquaredError(name="rmse")],
        "sold": [
            keras.metrics.Precision(name="precision"),
            keras.metrics.Recall(name="recall"),
            keras.metrics.AUC(name="roc"),
            keras.metrics.TruePositives(name="hits"),
            keras.metrics.SpecificityAtSensitivity(0.5, name="specificity"),
            keras.metrics.MeanIoU(2, name="mean_iou"),
        ],
        "kind": [keras.metrics.SparseTopKCategoricalAccuracy(2, name="top")],
    }


def of_two(loss, label=None, name="price"):
    """A contract of one loss beside binary cross-entropy."""
    labels = {name: LABELS[name] if label is None else label, "sold": SOLD}
    return fit(
        lambda: {"loss": {name: loss(), "sold": "binary_crossentropy"}}, labels
    )


PRICES = {"price": PRICE[:, None], "sold": SOLD[:, None]}
CONTRACTS = {
    # compile: losses
    "losses by name": fit(),
    "one loss for all": fit(
        lambda: {"loss": "mse"}, {"price": PRICE, "sold": SOLD}
    ),
    "an output without a loss": fit(
        lambda: {"loss": {"price": "mse", "sold": None, "kind": None}}
    ),
    "loss object": of_two(keras.losses.MeanAbsoluteError, PRICE),
    "loss of one's own as a function": of_two(
        lambda: absolute_error, PRICE[:, None]
    ),
    "loss of one's own as a class": of_two(AbsoluteError, PRICE[:, None]),
    "Huber with delta": of_two(lambda: keras.losses.Huber(0.5), PRICE),
    "Poisson": of_two(lambda: "poisson", ONE_HOT, "kind"),
    "log cosh": of_two(lambda: "log_cosh", PRICE),
    "label smoothing": fit(
        lambda: {
            "loss": {
                "price": "mse",
                "sold": keras.losses.BinaryCrossentropy(label_smoothing=0.2),
            }
        },
        {"price": PRICE, "sold": SOLD},
    ),
    "loss class": of_two(lambda: keras.losses.MeanSquaredError),
    "loss with arguments bound": of_two(
        lambda: functools.partial(
            keras.losses.sparse_categorical_crossentropy, from_logits=True
        ),
        None,
        "kind",
    ),
    "ignore_class": fit(
        lambda: {
            "loss": {
                **LOSSES,
                "kind": keras.losses.SparseCategoricalCrossentropy(
                    ignore_class=2
                ),
            }
        },
        batch_size=NUM,
    ),
    "reduction 'mean'": of_two(
        lambda: keras.losses.MeanSquaredError(reduction="mean")
    ),
    "reduction 'mean_with_sample_weight'": fit(
        lambda: {
            "loss": dict.fromkeys(
                ("price", "sold"),
                keras.losses.MeanSquaredError("mean_with_sample_weight"),
            )
        },
        {"price": PRICE, "sold": SOLD},
        sample_weight={"price": WEIGHT, "sold": WEIGHT / NUM},
        batch_size=NUM,
    ),
    "one-hot labels": of_two(
        lambda: "categorical_crossentropy", ONE_HOT, "kind"
    ),
    "soft labels": of_two(lambda: "kl_divergence", ONE_HOT * 0.7 + 0.1, "kind"),
    "cosine similarity": of_two(keras.losses.CosineSimilarity, ONE_HOT, "kind"),
    # compile: weights of losses
    "loss_weights by task": fit(
        lambda: {"loss_weights": {"price": 1.0, "sold": 2.0, "kind": 0.5}}
    ),
    # compile: metrics
    "metrics by name": fit(
        lambda: {
            "metrics": {
                "price": ["mae", "mse"],
                "sold": ["accuracy"],
                "kind": ["accuracy"],
            }
        }
    ),
    "metric without a list": fit(lambda: {"metrics": {"price": "mae"}}),
    "no metrics": fit(lambda: {"metrics": [], "weighted_metrics": []}),
    "metric class and None": fit(
        lambda: {
            "metrics": {"price": keras.metrics.MeanAbsoluteError, "sold": None}
        }
    ),
    "accuracy by its other names": fit(
        lambda: {"metrics": {"sold": ["acc"], "kind": ["Accuracy"]}}
    ),
    "metric of one's own as a class": fit(
        lambda: {"metrics": {"price": [MeanError()]}},
        {**LABELS, "price": PRICE[:, None]},
        epochs=3,
    ),
    "metric objects": fit(lambda: {"metrics": named_metrics()}),
    "metric of one's own": fit(
        lambda: {"metrics": {"price": [absolute_error]}},
        {**LABELS, "price": PRICE[:, None]},
    ),
    "metrics do not see the sample weights": fit(
        lambda: {"metrics": {"price": ["mae"], "kind": ["accuracy"]}},
        sample_weight=weights_of(LABELS),
    ),
    "weighted metrics do": fit(
        lambda: {"weighted_metrics": {"price": ["mae"], "kind": ["accuracy"]}},
        sample_weight=weights_of(LABELS),
    ),
    "weighted metric objects": fit(
        lambda: {"weighted_metrics": named_metrics()},
        sample_weight=weights_of(LABELS),
    ),
    "R2 and F1 of labels in a column": fit(
        lambda: {
            "metrics": {
                "price": [keras.metrics.R2Score(name="r2_score")],
                "sold": [keras.metrics.F1Score(threshold=0.5, name="f1_score")],
            }
        },
        PRICES,
    ),
    # compile: how a step runs
    "compiled": fit(lambda: {"run_eagerly": False}),
    "several steps an execution": fit(
        lambda: {"run_eagerly": False, "steps_per_execution": 2}
    ),
    "XLA": fit(lambda: {"run_eagerly": False, "jit_compile": True}),
    # labels
    "labels in a column": fit(labels=PRICES),
    "boolean labels": fit(labels={"price": PRICE, "sold": SOLD > 0}),
    "float64 and int64 labels": fit(
        labels={
            "price": PRICE.astype("float64"),
            "sold": SOLD.astype("int64"),
        }
    ),
    # fit
    "sample weights": fit(sample_weight=weights_of(LABELS)),
    "class_weight": class_weighted(SOLD),
    "class_weight of soft labels": class_weighted(SOLD * 0.8 + 0.1),
    "negative sample weights": fit(
        sample_weight={**weights_of(LABELS), "price": WEIGHT - 1}
    ),
    "validation_split": fit(validation_split=0.5),
    "validation_data": fit(validation_data=(X, LABELS)),
    "validation_data with weights": fit(
        validation_data=(X, LABELS, weights_of(LABELS))
    ),
    "validation_freq": fit(validation_data=(X, LABELS), validation_freq=2),
    "validation_steps": fit(
        validation_data=(X, LABELS), validation_steps=1, validation_batch_size=5
    ),
    "steps_per_epoch": fit(steps_per_epoch=1),
    "no batch size": fit(batch_size=None),
    "a second fit": two_fits,
    "EarlyStopping": stopped,
    "logs of a batch": batch_logs,
    "train_on_batch, test_on_batch, evaluate": on_batches,
    "evaluate with steps": evaluated_in_steps,
    "compute_metrics overridden": overridden_metrics,
    # data adapters
    "PyDataset": from_data(Batches),
    "PyDataset with weights": from_data(lambda: Batches(weighted=True)),
    "generator": from_data(generator, epochs=1, steps_per_epoch=2),
    "tf.data": from_data(tf_dataset),
    "repeated tf.data": from_data(
        lambda: tf_dataset(repeat=True), steps_per_epoch=3
    ),
    # layers
    "activity regularizer": fit(
        between=lambda: layers.ActivityRegularization(l2=0.1)
    ),
    "frozen layer": fit(between=lambda: layers.Dense(8, trainable=False)),
    "batch normalization": fit(between=lambda: layers.BatchNormalization()),
    # masks
    "mask of an embedding": tag(),
    "mask that an RNN passes on": tag(recurrent=True),
    "mask and metrics": tag(
        lambda: {"metrics": {"tag": ["accuracy"], "length": ["mae"]}}
    ),
    "mask and sample weights": tag(
        sample_weight=weights_of(TAG_LABELS, TOKEN_WEIGHT)
    ),
    "mask and weighted metrics": tag(
        lambda: {"weighted_metrics": {"tag": ["accuracy"]}},
        sample_weight=weights_of(TAG_LABELS, TOKEN_WEIGHT),
    ),
}


# On JAX, Keras 3.15 loses the mask before a training step's metrics.
LOST_ON_JAX = ("mask and metrics", "mask and weighted metrics")


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_of_keras_is_kept(name):
    if name in LOST_ON_JAX and keras.backend.backend() == "jax":
        pytest.skip("Keras is wrong; see `test_masks_reach_losses_...`")
    expected = CONTRACTS[name](keras.Model)
    received = CONTRACTS[name](MultiTaskModel)
    # Keras logs no loss of a single loss's output; more logs are no harm.
    assert expected.keys() <= received.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(
            np.asarray(received[key], float),
            np.asarray(value, float),
            rtol=2e-5,
            err_msg=key,
        )
