"""Where `MultiTaskModel` and `keras.Model` differ on purpose.

`DIFFERENT` holds contracts with another value than Keras's, computed here by
NumPy or scikit-learn; `REFUSED` holds what is refused with an error. What is
the same is in `test_keras_contracts.py`.
"""

import functools

import keras
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from keras import layers

from mtl_keras import MultiTaskModel, balancing
from tests.mtl_keras.model.twins import (
    KIND,
    LABELS,
    LOSSES,
    NUM,
    PRICE,
    SOLD,
    TAG_LOSSES,
    TAGS,
    WEIGHT,
    AbsoluteError,
    MeanError,
    X,
    absolute_error,
    dense,
    tagger,
)

REAL = np.arange(5) < np.arange(NUM)[:, None] % 5 + 1
TOKENS = np.where(REAL, np.arange(5) + 1, 0)
LENGTHS = np.where(REAL, TAGS - 0.5, 99.0)[..., None].astype("float32")
TAG_LABELS = {"tag": TAGS, "length": LENGTHS}
SOME = PRICE.copy()
SOME[::3] = np.nan
# Binary labels of three kinds at once, with a weight for each.
MANY = (X[:, :3] > 0.2).astype("float32")
MANY_WEIGHT = (np.abs(X[:, 1:]) * (X[:, 1:] > -0.5)).astype("float32")


QUIET = {"verbose": 0, "return_dict": True}


def evaluated(model, compiled, labels, weights=None, x=X):
    """The logs of an evaluation in uneven batches, and the predictions."""
    model.compile(run_eagerly=True, **compiled)
    logs = model.evaluate(
        x, labels, sample_weight=weights, batch_size=7, **QUIET
    )
    return logs, model.predict(x, verbose=0)


def logit_model(num_outputs=1):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    output = layers.Dense(num_outputs, name="t")(inputs)
    return MultiTaskModel(inputs, {"t": output})


def own_loss_of_labels_without_an_axis():
    loss = {"price": AbsoluteError(), "sold": absolute_error, "kind": None}
    logs, p = evaluated(
        dense(MultiTaskModel), {"loss": loss}, {"price": SOME, "sold": SOLD}
    )
    yield logs["price_loss"], np.nanmean(np.abs(SOME - p["price"][:, 0]))
    yield logs["sold_loss"], np.mean(np.abs(SOLD - p["sold"][:, 0]))


def own_metric_of_labels_without_an_axis():
    metrics = {"price": [absolute_error, MeanError()]}
    logs, p = evaluated(
        dense(MultiTaskModel), {"loss": LOSSES, "metrics": metrics}, LABELS
    )
    expected = np.mean(np.abs(PRICE - p["price"][:, 0]))
    yield logs["price_absolute_error"], expected
    yield logs["price_mean_error"], expected


def logits():
    names = ["accuracy", "f1", "auc", "binary_accuracy", "Precision"]
    for loss in (
        keras.losses.BinaryCrossentropy(from_logits=True),
        keras.losses.BinaryFocalCrossentropy(from_logits=True),
        functools.partial(keras.losses.binary_crossentropy, from_logits=True),
    ):
        compiled = {"loss": loss, "metrics": {"t": [*names, "bce"]}}
        logs, p = evaluated(logit_model(), compiled, {"t": SOLD})
        p = p["t"][:, 0]
        yield logs["t_accuracy"], np.mean((p > 0) == SOLD)
        yield logs["t_binary_accuracy"], np.mean((p > 0) == SOLD)
        yield logs["t_f1"], sklearn.metrics.f1_score(SOLD, p > 0)
        yield logs["t_auc"], sklearn.metrics.roc_auc_score(SOLD, p)
        expected = sklearn.metrics.precision_score(SOLD, p > 0)
        yield logs["t_Precision"], expected
        probability = 1 / (1 + np.exp(-p))
        expected = sklearn.metrics.log_loss(SOLD, probability)
        yield logs["t_bce"], expected


def logits_of_classes():
    """Metrics of probabilities read the softmax, as of a softmax output."""
    p = scipy.special.softmax(logit_model(3).predict(X, verbose=0)["t"], -1)
    hot = np.eye(3)[KIND]
    expected = {
        "auc": sklearn.metrics.roc_auc_score(hot, p),
        "pr_auc": sklearn.metrics.average_precision_score(hot, p),
        "kl_divergence": -np.mean(np.log(p[np.arange(NUM), KIND])),
        "Precision": sklearn.metrics.precision_score(
            hot, p > 0.5, average="micro"
        ),
        "Recall": sklearn.metrics.recall_score(hot, p > 0.5, average="micro"),
        "TruePositives": np.sum(p[np.arange(NUM), KIND] > 0.5),
        "binary_accuracy": np.mean((p > 0.5) == hot),
        "accuracy": np.mean(p.argmax(-1) == KIND),
    }
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    compiled = {"loss": loss, "metrics": {"t": [*expected, "AUC"]}}
    logs, _ = evaluated(logit_model(3), compiled, {"t": hot})
    for name, value in expected.items():
        yield logs[f"t_{name}"], value
    keras_auc = keras.metrics.AUC()
    keras_auc.update_state(hot, p)
    yield logs["t_AUC"], keras_auc.result()


def a_threshold_that_is_given_stays():
    metric = keras.metrics.BinaryAccuracy(threshold=0.3)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    compiled = {"loss": loss, "metrics": {"t": metric}}
    logs, p = evaluated(logit_model(), compiled, {"t": SOLD})
    yield logs["t_binary_accuracy"], np.mean((p["t"][:, 0] > 0.3) == SOLD)


def weights_of_zero():
    weight = np.where(np.arange(NUM) % 2, 0, WEIGHT)
    logs, p = evaluated(
        dense(MultiTaskModel),
        {"loss": LOSSES},
        LABELS,
        {"price": weight},
    )
    total = np.sum(weight * (PRICE - p["price"][:, 0]) ** 2)
    yield logs["price_loss"], total / np.sum(weight > 0)


def mean_over_weights_of_uneven_batches():
    loss = keras.losses.MeanSquaredError("mean_with_sample_weight")
    logs, p = evaluated(
        dense(MultiTaskModel),
        {"loss": {**LOSSES, "price": loss}},
        LABELS,
        {"price": WEIGHT},
    )
    errors = (PRICE - p["price"][:, 0]) ** 2
    yield logs["price_loss"], np.average(errors, weights=WEIGHT)


def masks_of_different_lengths():
    metrics = {
        "tag": ["accuracy", keras.metrics.SparseCategoricalAccuracy("top")],
        "length": ["mae", MeanSign(), "r2", absolute_error],
    }
    logs, p = evaluated(
        tagger(MultiTaskModel),
        {"loss": TAG_LOSSES, "metrics": metrics},
        TAG_LABELS,
        x=TOKENS,
    )
    errors = (p["length"] - LENGTHS)[REAL]
    is_right = (p["tag"].argmax(-1) == TAGS)[REAL]
    likely = np.take_along_axis(p["tag"], TAGS[..., None], -1)[REAL]
    yield logs["length_loss"], np.mean(errors**2)
    yield logs["length_mae"], np.mean(np.abs(errors))
    yield logs["length_absolute_error"], np.mean(np.abs(errors))
    # Keras counts padding in metrics that are not means of a function.
    yield logs["length_sign"], np.sum(errors > 0)
    expected = sklearn.metrics.r2_score(LENGTHS[REAL], p["length"][REAL])
    yield logs["length_r2"], expected
    yield logs["tag_loss"], -np.mean(np.log(likely))
    yield logs["tag_accuracy"], np.mean(is_right)
    yield logs["tag_top"], np.mean(is_right)


class MeanSign(keras.metrics.Sum):
    """How many predictions exceed their label."""

    def __init__(self):
        super().__init__(name="sign")

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_pred > y_true, sample_weight)


def weights_of_the_labels_of_an_example():
    f1 = keras.metrics.F1Score
    for average, threshold in (
        ("macro", 0.5),
        ("micro", 0.5),
        (None, 0.5),
        ("macro", None),
    ):
        metric = f1(average, threshold, name="f1_score")
        compiled = {"loss": "binary_crossentropy"}
        compiled["weighted_metrics"] = {"t": metric}
        model = logit_model(3)
        logs, p = evaluated(model, compiled, {"t": MANY}, {"t": MANY_WEIGHT})
        p = p["t"]
        decided = p > 0.5 if threshold else p == p.max(-1, keepdims=True)
        score = sklearn.metrics.f1_score
        if average == "micro":
            parts = (MANY.ravel(), decided.ravel())
            expected = score(*parts, sample_weight=MANY_WEIGHT.ravel())
        else:
            expected = [
                score(MANY[:, i], decided[:, i], sample_weight=w)
                for i, w in enumerate(MANY_WEIGHT.T)
            ]
            expected = np.mean(expected) if average else expected
        yield logs["t_f1_score"], expected


def r2_that_is_adjusted_for_missing_labels():
    metric = keras.metrics.R2Score(num_regressors=1, name="adjusted")
    compiled = {"loss": LOSSES, "metrics": {"price": [metric]}}
    labels = {**LABELS, "price": SOME}
    logs, p = evaluated(dense(MultiTaskModel), compiled, labels)
    seen = ~np.isnan(SOME)
    r2 = sklearn.metrics.r2_score(SOME[seen], p["price"][seen, 0])
    count = seen.sum()
    expected = 1 - (1 - r2) * (count - 1) / (count - 2)
    yield logs["price_adjusted"], expected


def one_metric_object_in_two_models():
    metric = keras.metrics.MeanAbsoluteError(name="mae")
    compiled = {"loss": LOSSES, "metrics": {"price": [metric]}}
    first, second = dense(MultiTaskModel), dense(MultiTaskModel)
    first.compile(**compiled, run_eagerly=True)
    with pytest.warns(UserWarning, match="gets a copy"):
        second.compile(**compiled, run_eagerly=True)
    between = keras.callbacks.LambdaCallback(
        on_test_batch_end=lambda batch, logs: second.evaluate(
            X[:5], {"price": PRICE[:5] + 100}, verbose=0
        )
    )
    logs = first.evaluate(X, LABELS, batch_size=7, callbacks=[between], **QUIET)
    errors = np.abs(PRICE - first.predict(X, verbose=0)["price"][:, 0])
    yield logs["price_mae"], np.mean(errors)


DIFFERENT = (
    own_loss_of_labels_without_an_axis,
    own_metric_of_labels_without_an_axis,
    logits,
    logits_of_classes,
    a_threshold_that_is_given_stays,
    weights_of_zero,
    mean_over_weights_of_uneven_batches,
    masks_of_different_lengths,
    weights_of_the_labels_of_an_example,
    r2_that_is_adjusted_for_missing_labels,
    one_metric_object_in_two_models,
)


@pytest.mark.sampled
@pytest.mark.filterwarnings("ignore:.*Sparse:UserWarning")
@pytest.mark.parametrize("contract", DIFFERENT, ids=lambda c: c.__name__)
def test_value_that_differs_from_keras_is_right(contract):
    pairs = list(contract())
    assert pairs
    for received, expected in pairs:
        np.testing.assert_allclose(received, expected, rtol=2e-5)


class Unweighted(MeanError):
    def update_state(self, y_true, y_pred):
        super().update_state(y_true, y_pred)


def given(**compiled):
    def compile_with():
        dense(MultiTaskModel).compile(**{"loss": LOSSES, **compiled})

    return compile_with


def fitted(y, **options):
    def fit():
        model = dense(MultiTaskModel)
        model.compile(loss=LOSSES)
        model.fit(X, y, verbose=0, **options)

    return fit


SHARED = keras.metrics.MeanAbsoluteError(name="mae")
MSE = keras.losses.MeanSquaredError
REFUSED = {
    "losses in a list": (given(loss=["mse"] * 3), "must be a dict keyed"),
    "losses of Keras's choice": (given(loss="crossentropy"), "Unknown loss"),
    "a sum": (
        given(loss={"price": MSE("sum")} | {"sold": None, "kind": None}),
        "reduction='sum'",
    ),
    "no reduction": (given(loss=MSE(reduction=None)), "reduction=None"),
    "metrics in a list": (given(metrics=[["mae"], [], []]), "must be a dict"),
    "one metric for all": (given(metrics="mae"), "must be a dict keyed"),
    "a list in a list": (
        given(metrics={"price": [["mae"]]}),
        "Expected a metr",
    ),
    "a name twice": (given(metrics={"price": ["mae", "mae"]}), "two metrics"),
    "loss_weights in a list": (given(loss_weights=[1.0, 2.0, 3.0]), "dict of"),
    "loss_weights in a tuple": (given(loss_weights=(1.0, 2.0, 3.0)), "dict of"),
    "a metric without weights": (
        given(metrics={"price": Unweighted()}),
        "sample_weight=None",
    ),
    "one metric for two tasks": (
        given(metrics={"price": [SHARED], "sold": [SHARED]}),
        "is given twice",
    ),
    "one metric, weighted and not": (
        given(metrics={"price": SHARED}, weighted_metrics={"price": SHARED}),
        "is given twice",
    ),
    "labels in a list": (fitted([PRICE, SOLD, KIND]), "flat dict keyed"),
    "weights in a list": (
        fitted(LABELS, sample_weight=[WEIGHT] * 3),
        "one for each example",
    ),
    "class_weight without a task": (
        fitted(LABELS, class_weight={0: 1.0, 1: 2.0}),
        "dict of task name",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_habit_of_keras_is_refused_with_words(name):
    call, words = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=words):
        call()


STEPS = {
    "static": lambda: None,
    "losses": lambda: "uncertainty",
    "features": lambda: balancing.CAGrad(on="features"),
    "parameters": lambda: balancing.PCGrad(on="parameters"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("step", STEPS)
def test_masks_reach_losses_and_metrics_of_every_step(step):
    logs, weights = {}, {}
    for padding in (99.0, -3.0):
        model = tagger(MultiTaskModel)
        model.compile(
            keras.optimizers.SGD(0.1),
            loss=TAG_LOSSES,
            metrics={"tag": ["accuracy"], "length": ["mae"]},
            loss_weights=STEPS[step](),
            jit_compile=False,
        )
        before = model.predict(TOKENS, verbose=0)
        lengths = np.where(REAL[..., None], LENGTHS, padding)
        tags = np.where(REAL, TAGS, int(padding > 0))
        logs[padding] = model.train_on_batch(
            TOKENS, {"tag": tags, "length": lengths}, return_dict=True
        )
        weights[padding] = model.get_weights()
    errors = (before["length"] - LENGTHS)[REAL]
    is_right = (before["tag"].argmax(-1) == TAGS)[REAL]
    for log in logs.values():
        np.testing.assert_allclose(
            [log["length_loss"], log["length_mae"], log["tag_accuracy"]],
            [np.mean(errors**2), np.mean(np.abs(errors)), np.mean(is_right)],
            rtol=1e-4,
        )
    for one, other in zip(*weights.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
