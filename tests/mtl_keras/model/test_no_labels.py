"""A mean over no label is NaN, and NaN is never the best."""

import math

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, balancing
from tests import test_case as case

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = X.sum(1, keepdims=True)
NONE = np.full((16, 1), np.nan, "float32")


def compiled(**options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    trunk = keras.layers.Dense(3, kernel_regularizer="l2")(inputs)
    outputs = {n: keras.layers.Dense(1, name=n)(trunk) for n in ("s", "t")}
    model = MultiTaskModel(inputs, outputs)
    options.setdefault("loss", "mse")
    options.setdefault("metrics", {"t": ["mae", "r2"], "s": ["mae"]})
    options.setdefault("weighted_metrics", {"t": ["mae"]})
    model.compile("sgd", **options)
    return model


@pytest.mark.parametrize("labels", [{"s": Y}, {"s": Y, "t": NONE}])
def test_logs_of_a_task_without_labels_are_nan(labels):
    model = compiled(loss_weights={"s": 3.0, "t": 2.0})
    logs = model.evaluate(X, labels, verbose=0, return_dict=True)
    error = case.to_numpy(model(X)["s"]) - Y
    penalty = float(model.losses[0])
    keys = {"t_loss", "t_mae", "t_r2", "t_weighted_mae"}
    assert {key for key, value in logs.items() if math.isnan(value)} == keys
    np.testing.assert_allclose(logs["s_loss"], np.mean(error**2), rtol=1e-5)
    np.testing.assert_allclose(logs["s_mae"], np.abs(error).mean(), rtol=1e-5)
    # The total is the sum over the tasks that had labels.
    expected = 3 * np.mean(error**2) + penalty
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)


def test_the_total_without_any_label_is_nan():
    model = compiled()
    logs = model.evaluate(X, {"t": NONE}, verbose=0, return_dict=True)
    assert math.isnan(logs["loss"])


def test_a_metric_of_an_untrained_task_without_labels_is_nan():
    model = compiled(loss={"s": "mse", "t": None})
    logs = model.evaluate(X, {"s": Y}, verbose=0, return_dict=True)
    assert math.isnan(logs["t_mae"])
    logs = model.evaluate(X, {"s": Y, "t": Y}, verbose=0, return_dict=True)
    error = case.to_numpy(model(X)["t"]) - Y
    np.testing.assert_allclose(logs["t_mae"], np.abs(error).mean(), rtol=1e-5)


def test_counts_over_no_label_are_0():
    counted = {"t": [keras.metrics.TruePositives(name="hits")]}
    model = compiled(loss="binary_crossentropy", metrics=counted)
    labels = {"s": (Y > 0).astype("float32")}
    logs = model.evaluate(X, labels, verbose=0, return_dict=True)
    assert logs["t_hits"] == 0.0


@pytest.mark.parametrize("metric", ["auc", "pr_auc", "c_index"])
def test_metrics_of_a_split_without_labels_are_nan(metric):
    loss = {"s": "mse", "t": "cox" if metric == "c_index" else None}
    loss["t"] = loss["t"] or "binary_crossentropy"
    model = compiled(loss=loss, metrics={"t": [metric]}, weighted_metrics=None)
    logs = model.evaluate(X, {"s": Y}, verbose=0, return_dict=True, bootstrap=3)
    for end in ("", "_low", "_high"):
        assert math.isnan(logs[f"t_{metric}{end}"])


def test_a_cosine_that_was_never_seen_is_nan():
    model = compiled(loss_weights=balancing.CAGrad(monitor=True))
    logs = model.fit(X, {"s": Y}, verbose=0).history
    assert math.isnan(logs["s_t_cosine"][0])
    assert math.isnan(logs["t_gradient_norm"][0])
    assert logs["s_gradient_norm"][0] > 0
    assert all(np.isfinite(v).all() for v in case.weights_of(model).values())


class Log(keras.callbacks.Callback):
    """Writes a log of given values, one an epoch."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["odd"] = self.values[epoch]


def fitted(values, *callbacks):
    model = compiled()
    model.fit(
        X,
        {"s": Y, "t": Y},
        epochs=len(values),
        callbacks=[Log(values), *callbacks],
        verbose=0,
    )
    return model


@pytest.mark.sampled
@pytest.mark.parametrize("mode", ["min", "max"])
def test_callbacks_of_keras_pass_over_nan(mode, tmp_path):
    sign = 1.0 if mode == "min" else -1.0
    values = [math.nan, 3 * sign, math.nan, 1 * sign, math.nan, 2 * sign]
    stop = keras.callbacks.EarlyStopping(
        "odd", patience=2, mode=mode, restore_best_weights=True
    )
    path = str(tmp_path / "{epoch}.weights.h5")
    keep = keras.callbacks.ModelCheckpoint(
        path,
        "odd",
        mode=mode,
        save_best_only=True,
        save_weights_only=True,
    )
    lower = keras.callbacks.ReduceLROnPlateau("odd", patience=2, mode=mode)
    model = fitted(values, stop, keep, lower)
    assert stop.best == keep.best == lower.best == sign
    assert stop.stopped_epoch == 0
    assert sorted(p.name[0] for p in tmp_path.iterdir()) == ["2", "4"]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    # The callbacks are the user's own again.
    assert "on_epoch_end" not in vars(stop)


def test_a_monitored_log_that_is_never_a_number_is_refused():
    stop = keras.callbacks.EarlyStopping("odd", mode="min")
    with pytest.raises(ValueError, match="EarlyStopping monitors 'odd'.*label"):
        fitted([math.nan, math.nan], stop)


def test_early_stopping_ignores_a_split_without_labels():
    stop = keras.callbacks.EarlyStopping("val_t_loss", mode="min")
    with pytest.raises(ValueError, match="'val_t_loss'.*NaN at every epoch"):
        compiled().fit(
            X,
            {"s": Y, "t": Y},
            validation_data=(X, {"s": Y}),
            epochs=2,
            callbacks=[stop],
            verbose=0,
        )
