"""What a user of `keras.Model` is used to works for a `MultiTaskModel`."""

import copy
import csv
import pickle

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task
from tests import test_case as case
from tests.test_case import assert_close

X, LABELS = case.vector_data(32)
LOSSES = {
    "cls": "sparse_categorical_crossentropy",
    "det": "binary_crossentropy",
    "box": "mse",
}
METRICS = {"cls": ["accuracy"], "det": ["auc"], "box": ["iou"]}


def compiled(**options):
    options = {"loss": LOSSES, "metrics": METRICS, **options}
    model = case.vector_model()
    model.compile(keras.optimizers.SGD(0.1), **options)
    return model


@pytest.fixture(scope="module")
def model():
    model = compiled()
    model.fit(X, LABELS, verbose=0)
    return model


def evaluated(model, **options):
    return model.evaluate(X, LABELS, verbose=0, return_dict=True, **options)


def assert_same_logs(received, expected, **tolerance):
    assert received.keys() == expected.keys()
    for key, value in expected.items():
        assert_close(received[key], value, **tolerance)


def test_list_of_evaluate_is_in_the_order_of_metrics_names(model):
    logs, values = evaluated(model), model.evaluate(X, LABELS, verbose=0)
    names = model.metrics_names
    assert names == [
        "loss",
        "box_loss",
        "cls_loss",
        "det_loss",
        "box_iou",
        "cls_accuracy",
        "det_auc",
    ]
    assert values == [logs[name] for name in names]


@pytest.mark.slow(on_jax=True)
def test_one_batch_at_a_time():
    model, by_fit = compiled(), compiled()
    expected = evaluated(model)
    del expected["det_auc"]  # Of the whole split, so of `evaluate` only.
    received = model.test_on_batch(X, LABELS, return_dict=True)
    assert_same_logs(received, expected)
    assert model.test_on_batch(X, LABELS)[0] == received["loss"]
    logs = model.train_on_batch(X, LABELS, return_dict=True)
    assert_same_logs(logs, expected)
    assert len(model.train_on_batch(X, LABELS)) == len(expected)
    by_fit.fit(X, LABELS, epochs=2, batch_size=32, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), by_fit.get_weights(), strict=True):
        assert_close(a, b)
    answers = model.predict_on_batch(X)
    for name, answer in model.predict(X, verbose=0).items():
        assert_close(answers[name], answer)


def test_class_weight_of_one_batch_does_not_stay():
    model = compiled()
    plain = model.train_on_batch(X, LABELS, return_dict=True)["cls_loss"]
    table = {"cls": dict.fromkeys(range(3), 100.0)}
    weighted = model.train_on_batch(
        X, LABELS, class_weight=table, return_dict=True
    )["cls_loss"]
    again = model.train_on_batch(X, LABELS, return_dict=True)["cls_loss"]
    assert weighted > 50 * plain
    assert again < 2 * plain + weighted / 50


@pytest.mark.sampled
@pytest.mark.parametrize(
    "options", [{"run_eagerly": True}, {"steps_per_execution": 4}]
)
def test_ways_to_run_a_step_agree(options):
    received = compiled(**options).fit(
        X, LABELS, batch_size=5, shuffle=False, verbose=0
    )
    expected = compiled().fit(X, LABELS, batch_size=5, shuffle=False, verbose=0)
    assert_same_logs(received.history, expected.history, rtol=1e-4)


@pytest.mark.sampled
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, tmp_path):
    expected = evaluated(compiled())
    keras.config.set_dtype_policy(policy)
    try:
        model = compiled()
    finally:
        keras.config.set_dtype_policy("float32")
    assert_same_logs(evaluated(model), expected, rtol=0.05, atol=0.02)
    model.fit(X, LABELS, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert type(restored.optimizer) is type(model.optimizer)
    assert_same_logs(evaluated(restored), evaluated(model))


def test_validation_split(model):
    history = model.fit(X, LABELS, validation_split=0.25, verbose=0).history
    tail = {name: label[24:] for name, label in LABELS.items()}
    logs = model.evaluate(X[24:], tail, verbose=0, return_dict=True)
    for key, value in logs.items():
        assert_close(history[f"val_{key}"][0], value)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(8 * index, 8 * index + 8)
        return X[part], {name: y[part] for name, y in LABELS.items()}


def test_batches_from_python(model):
    expected = evaluated(model, batch_size=8)
    received = model.evaluate(Batches(), verbose=0, return_dict=True)
    assert_same_logs(received, expected)
    history = model.fit(Batches(), validation_data=Batches(), verbose=0).history
    assert "val_det_auc" in history


def test_callbacks(model, tmp_path):
    class Record(keras.callbacks.Callback):
        rates = []

        def on_epoch_end(self, epoch, logs=None):
            self.rates.append(float(self.model.optimizer.learning_rate))

    callbacks = [
        keras.callbacks.EarlyStopping(
            "val_det_auc", mode="max", patience=9, restore_best_weights=True
        ),
        keras.callbacks.ModelCheckpoint(
            str(tmp_path / "best.keras"),
            monitor="val_det_auc",
            mode="max",
            save_best_only=True,
        ),
        keras.callbacks.ReduceLROnPlateau(
            "val_box_loss", mode="min", patience=0, min_delta=100.0
        ),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.TerminateOnNaN(),
        Record(),
    ]
    history = model.fit(
        X,
        LABELS,
        epochs=3,
        validation_data=(X, LABELS),
        callbacks=callbacks,
        verbose=0,
    ).history
    best = max(history["val_det_auc"])
    assert_close(evaluated(model)["det_auc"], best)
    restored = keras.saving.load_model(tmp_path / "best.keras")
    assert_close(evaluated(restored)["det_auc"], best)
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert_close(float(rows[-1]["val_cls_loss"]), history["val_cls_loss"][-1])
    assert Record.rates[-1] < Record.rates[0] * 0.5
    model.optimizer.learning_rate = 0.1


@pytest.mark.sampled
@pytest.mark.parametrize(
    "form",
    [
        lambda callback, model: callback,
        lambda callback, model: (callback,),
        lambda callback, model: keras.callbacks.CallbackList(
            [callback], add_history=True, model=model
        ),
    ],
    ids=["one", "tuple", "CallbackList"],
)
def test_callbacks_in_any_form_run_beside_the_models_own(form):
    model = case.vector_model()
    model.compile("sgd", loss=LOSSES, metrics={})
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    model.fit(X, LABELS, epochs=2, callbacks=form(callback, model), verbose=0)
    assert seen == [0, 1]
    wrong = {**LABELS, "cls": np.full(32, 7, "int32")}

    class Wrong(Batches):
        def __getitem__(self, index):
            x, _ = super().__getitem__(index)
            return x, {n: y[:8] for n, y in wrong.items()}

    with pytest.raises(ValueError, match="'cls' expects"):
        model.fit(Wrong(), callbacks=form(callback, model), verbose=0)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "how",
    [
        copy.deepcopy,
        lambda model: pickle.loads(pickle.dumps(model)),
    ],
    ids=["deepcopy", "pickle"],
)
def test_copies_answer_alike_and_train(model, how):
    received = how(model)
    assert received.tasks == model.tasks
    assert_same_logs(evaluated(received), evaluated(model))
    received.fit(X, LABELS, verbose=0)


def test_clone_of_a_compiled_model_keeps_tasks_losses_and_metrics():
    model = case.vector_model()
    model.compile("sgd", loss_weights={"box": 2.0})
    clone = keras.models.clone_model(model)
    assert isinstance(clone, MultiTaskModel)
    assert clone.tasks == model.tasks
    assert clone.metrics_names == model.metrics_names
    clone.set_weights(model.get_weights())
    assert_same_logs(evaluated(clone), evaluated(model))


def test_reload_keeps_how_the_model_was_compiled(tmp_path):
    model = compiled(auto_scale_loss=False, steps_per_execution=2)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    config = model.get_compile_config()
    received = restored.get_compile_config()
    del config["optimizer"], received["optimizer"]
    assert received == config
    assert config["auto_scale_loss"] is False


def test_summary_names_the_tasks(model):
    lines = []
    model.summary(print_fn=lines.append)
    assert all(name in "\n".join(lines) for name in model.tasks)


def linear(units, loss, *, activation=None, tasks=None, shape=(8,), **options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    output = keras.layers.Dense(units, activation)(inputs)
    model = MultiTaskModel(inputs, {"a": output}, tasks=tasks)
    model.compile("sgd", loss=loss, **options)
    return model


@pytest.mark.sampled
@pytest.mark.parametrize("shape", [(32,), (32, 1)])
def test_one_task_takes_a_plain_array(shape):
    model = linear(1, "mse", metrics={"a": ["mae"]})
    y = X[:, 0].reshape(shape)
    logs = model.evaluate(X, y, verbose=0, return_dict=True)
    error = model.predict(X, verbose=0)["a"][:, 0] - X[:, 0]
    assert_close(logs["a_loss"], (error**2).mean())
    assert_close(logs["a_mae"], abs(error).mean())
    model.fit(X, y, sample_weight=np.ones(32), validation_split=0.2, verbose=0)


@pytest.mark.parametrize("tasks", [None, [Task("a")]])
def test_metrics_of_a_vector_leave_out_its_missing_elements(tasks):
    metrics = ["mae", "mse", keras.metrics.RootMeanSquaredError(name="rmse")]
    model = linear(4, "mse", tasks=tasks, metrics={"a": metrics})
    y = X[:, :4].copy()
    y[np.random.default_rng(0).uniform(size=y.shape) < 0.3] = np.nan
    logs = model.evaluate(X, {"a": y}, verbose=0, return_dict=True)
    error = model.predict(X, verbose=0)["a"] - y
    assert_close(logs["a_loss"], np.nanmean(error**2))
    assert_close(logs["a_mse"], np.nanmean(error**2))
    assert_close(logs["a_mae"], np.nanmean(abs(error)))
    assert_close(logs["a_rmse"], np.sqrt(np.nanmean(error**2)))


def test_one_hot_labels_are_missing_as_a_whole():
    metrics = {"a": ["accuracy", "categorical_accuracy"]}
    model = linear(
        3, "categorical_crossentropy", activation="softmax", metrics=metrics
    )
    classes = LABELS["cls"]
    y = np.eye(3, dtype="float32")[classes]
    y[classes < 0] = np.nan
    there = classes >= 0
    answers = model.predict(X, verbose=0)["a"]
    chosen = answers[there, classes[there]]
    right = (answers.argmax(-1) == classes)[there].mean()
    logs = model.evaluate(X, {"a": y}, verbose=0, return_dict=True)
    assert_close(logs["a_loss"], -np.log(chosen).mean())
    assert_close(logs["a_accuracy"], right)
    assert_close(logs["a_categorical_accuracy"], right)
    history = model.fit(
        X, {"a": y}, class_weight={"a": {1: 3.0}}, batch_size=32, verbose=0
    ).history
    weights = np.array([1.0, 3.0, 1.0])[classes[there]]
    assert_close(history["a_loss"][0], -(weights * np.log(chosen)).mean())


def test_labels_of_tokens_with_a_weight_each():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 6, 5)).astype("float32")
    y = rng.integers(-1, 3, (32, 6))
    weight = rng.uniform(0.5, 2.0, (32, 6)).astype("float32")
    weight[:, 2] = 0
    model = linear(
        3,
        "sparse_categorical_crossentropy",
        activation="softmax",
        shape=(6, 5),
        metrics={"a": ["accuracy"]},
        weighted_metrics={"a": ["accuracy"]},
    )
    logs = model.evaluate(
        x, {"a": y}, sample_weight={"a": weight}, verbose=0, return_dict=True
    )
    answers = model.predict(x, verbose=0)["a"]
    counted = (y >= 0) & (weight > 0)
    chosen = np.take_along_axis(answers, np.maximum(y, 0)[..., None], -1)[
        ..., 0
    ]
    right = (answers.argmax(-1) == y)[counted]
    weights = weight[counted]
    assert_close(logs["a_loss"], -(weights * np.log(chosen[counted])).mean())
    assert_close(logs["a_accuracy"], right.mean())
    assert_close(
        logs["a_weighted_accuracy"], (right * weights).sum() / weights.sum()
    )


def test_labels_of_an_output_that_is_not_trained_are_not_judged():
    inputs = keras.Input((8,))
    trunk = keras.layers.Dense(4)(inputs)
    outputs = {
        name: keras.layers.Dense(4, name=name)(trunk) for name in ("a", "b")
    }
    model = MultiTaskModel(inputs, outputs)
    model.compile("sgd", loss={"a": "mse", "b": None}, metrics={"b": ["mae"]})
    labels = {"a": X[:, :4], "b": X[:, 4:]}
    logs = model.evaluate(X, labels, verbose=0, return_dict=True)
    error = model.predict(X, verbose=0)["b"] - X[:, 4:]
    assert_close(logs["b_mae"], abs(error).mean())
    assert set(logs) == {"loss", "a_loss", "b_mae"}
