"""A multi-task model against Keras and against figures worked by hand."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel
from tests import test_case as case
from tests.test_case import assert_close

STREAMED = {"cls": ["accuracy"], "det": ["accuracy"], "box": ["iou"]}


def compiled(model=None, **options):
    model = model or case.vector_model()
    options.setdefault("optimizer", keras.optimizers.SGD(0.1))
    options.setdefault("metrics", STREAMED)
    options.setdefault(
        "loss",
        {
            "cls": "sparse_categorical_crossentropy",
            "det": "binary_crossentropy",
            "box": "mse",
        },
    )
    model.compile(**options)
    return model


def losses_by_hand(x, labels, model):
    """Each task's mean over the labels that are there, in NumPy."""
    answers = model.predict(x, verbose=0)
    classes, boxes = labels["cls"], labels["box"]
    there = classes >= 0
    cls = -np.log(answers["cls"][there, classes[there]]).mean()
    there = labels["det"] >= 0
    p, y = answers["det"][there, 0], labels["det"][there]
    det = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    there = ~np.isnan(boxes).any(-1)
    box = ((answers["box"][there] - boxes[there]) ** 2).mean()
    return {"cls": cls, "det": det, "box": box}


def metrics_by_hand(x, labels, model):
    answers = model.predict(x, verbose=0)
    there = labels["cls"] >= 0
    cls = (answers["cls"].argmax(-1) == labels["cls"])[there].mean()
    there = labels["det"] >= 0
    det = ((answers["det"][:, 0] > 0.5) == labels["det"])[there].mean()
    there = ~np.isnan(labels["box"]).any(-1)
    a, b = answers["box"][there], labels["box"][there]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), -1)
    area = np.prod(np.clip(a[:, 2:] - a[:, :2], 0, None), -1)
    area = area + np.prod(b[:, 2:] - b[:, :2], -1)
    return {
        "cls_accuracy": cls,
        "det_accuracy": det,
        "box_iou": (common / (area - common)).mean(),
    }


@pytest.mark.parametrize("jit_compile", case.JIT_COMPILE)
def test_logs_equal_figures_by_hand_on_missing_labels(jit_compile):
    x, labels = case.vector_data(70)
    model = compiled(jit_compile=jit_compile)
    logs = model.evaluate(x, labels, batch_size=32, verbose=0, return_dict=True)
    by_hand = losses_by_hand(x, labels, model)
    for name, value in by_hand.items():
        assert_close(logs[f"{name}_loss"], value)
    assert_close(logs["loss"], sum(by_hand.values()))
    for key, value in metrics_by_hand(x, labels, model).items():
        assert_close(logs[key], value)


@pytest.mark.parametrize("jit_compile", case.JIT_COMPILE)
def test_step_equals_gradient_by_hand_on_missing_labels(jit_compile):
    x, labels = case.vector_data(50)
    model = compiled(jit_compile=jit_compile)
    features = np.tanh(
        x @ case.to_numpy(model.get_layer("trunk").kernel)
        + case.to_numpy(model.get_layer("trunk").bias)
    )
    answers = model.predict(x, verbose=0)
    before = case.weights_of(model)
    model.fit(x, labels, batch_size=50, verbose=0, shuffle=False)
    after = case.weights_of(model)

    there = labels["cls"] >= 0
    error = answers["cls"] - np.eye(3)[labels["cls"]]
    errors = {"cls": error * there[:, None] / there.sum()}
    there = labels["det"] >= 0
    error = answers["det"] - labels["det"][:, None]
    errors["det"] = error * there[:, None] / there.sum()
    there = ~np.isnan(labels["box"]).any(-1)
    p = answers["box"]
    error = 2 / 4 * (p - np.nan_to_num(labels["box"])) * p * (1 - p)
    errors["box"] = error * there[:, None] / there.sum()

    into_trunk = 0.0
    for name, error in errors.items():
        kernel = before[f"{name}/kernel"]
        step = (before[f"{name}/kernel"] - after[f"{name}/kernel"]) / 0.1
        assert_close(step, features.T @ error, rtol=1e-5, atol=1e-6)
        into_trunk = into_trunk + error @ kernel.T
    into_trunk = into_trunk * (1 - features**2)
    step = (before["trunk/kernel"] - after["trunk/kernel"]) / 0.1
    assert_close(step, x.T @ into_trunk, rtol=1e-5, atol=1e-6)


@pytest.mark.sampled
@pytest.mark.parametrize("how", ["marker", "absent", "weight", "none"])
@pytest.mark.parametrize("name", ["cls", "det", "box"])
def test_task_without_labels_leaves_its_head_alone(name, how):
    x, labels = case.vector_data(32)
    weights = None
    if how == "marker":
        labels[name] = np.full_like(
            labels[name], np.nan if name == "box" else -1
        )
    elif how == "absent":
        del labels[name]
    elif how == "none":
        labels[name] = None
    else:
        weights = {name: np.zeros(32, "float32")}
    # Under XLA for one task: how labels are missing decides what is compiled.
    model = compiled(jit_compile=name == "box")
    before = case.weights_of(model)
    history = model.fit(x, labels, sample_weight=weights, verbose=0)
    after = case.weights_of(model)
    np.testing.assert_array_equal(
        before[f"{name}/kernel"], after[f"{name}/kernel"]
    )
    np.testing.assert_array_equal(before[f"{name}/bias"], after[f"{name}/bias"])
    assert np.isnan(history.history[f"{name}_loss"][0])
    assert not np.array_equal(before["trunk/kernel"], after["trunk/kernel"])


@pytest.mark.sampled
@pytest.mark.parametrize("loss_weights", [None, {"cls": 0.5, "box": 3.0}])
def test_training_equals_keras_where_all_labels_are_there(loss_weights):
    x, labels = case.vector_data(64, missing=0.0)
    ours = compiled(loss_weights=loss_weights)
    ours.fit(x, labels, batch_size=16, epochs=3, shuffle=False, verbose=0)
    plain = case.vector_model()
    plain = keras.Model(plain.inputs, plain.output)
    loss = {
        "cls": "sparse_categorical_crossentropy",
        "det": "binary_crossentropy",
        "box": "mse",
    }
    weights = {"cls": 1.0, "det": 1.0, "box": 1.0, **(loss_weights or {})}
    plain.compile(keras.optimizers.SGD(0.1), loss, loss_weights=weights)
    labels = {**labels, "det": labels["det"][:, None]}
    history = plain.fit(
        x, labels, batch_size=16, epochs=3, shuffle=False, verbose=0
    )
    for received, expected in zip(
        ours.get_weights(), plain.get_weights(), strict=True
    ):
        assert_close(received, expected, rtol=1e-5, atol=1e-6)
    assert_close(
        ours.history.history["loss"], history.history["loss"], rtol=1e-5
    )


def test_sample_weights_multiply_as_in_keras():
    x, labels = case.vector_data(64, missing=0.0)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, 64).astype("float32")
    model = compiled()
    logs = model.evaluate(
        x, labels, sample_weight=weight, verbose=0, return_dict=True
    )
    answers = model.predict(x, verbose=0)["cls"]
    values = -np.log(answers[np.arange(64), labels["cls"]])
    assert_close(logs["cls_loss"], (values * weight).mean())


def test_class_weight_multiplies_in_training_only():
    x, labels = case.vector_data(64, missing=0.2)
    model = compiled(optimizer=keras.optimizers.SGD(0.0))
    table = {"cls": {0: 2.0, 2: 0.5}}
    history = model.fit(
        x, labels, batch_size=64, class_weight=table, verbose=0
    ).history
    answers = model.predict(x, verbose=0)["cls"]
    there = labels["cls"] >= 0
    classes = labels["cls"][there]
    values = -np.log(answers[there, classes])
    weighted = (values * np.array([2.0, 1.0, 0.5])[classes]).mean()
    assert_close(history["cls_loss"][0], weighted)
    logs = model.evaluate(x, labels, verbose=0, return_dict=True)
    assert_close(logs["cls_loss"], values.mean())


def test_logs_do_not_depend_on_the_batch_size():
    x, labels = case.vector_data(70)
    model = compiled(metrics=None)
    by_size = [
        model.evaluate(x, labels, batch_size=size, verbose=0, return_dict=True)
        for size in (70, 64, 32, 7)
    ]
    for logs in by_size[1:]:
        assert logs.keys() == by_size[0].keys()
        for key, value in by_size[0].items():
            assert_close(logs[key], value)


def test_metric_of_the_whole_split_is_exact_and_in_the_validation_logs():
    from sklearn.metrics import roc_auc_score

    x, labels = case.vector_data(70)
    model = compiled(metrics={"det": ["accuracy", "auc"]})
    history = model.fit(
        x, labels, batch_size=32, verbose=0, validation_data=(x, labels)
    ).history
    there = labels["det"] >= 0
    score = model.predict(x, verbose=0)["det"][there, 0]
    expected = roc_auc_score(labels["det"][there], score)
    logs = model.evaluate(x, labels, batch_size=13, verbose=0, return_dict=True)
    assert_close(logs["det_auc"], expected)
    assert_close(history["val_det_auc"][-1], expected)
    assert "det_auc" not in history


def test_several_steps_an_execution_collect_every_batch():
    x, labels = case.vector_data(70)
    single = compiled(metrics={"det": ["auc"]})
    several = compiled(metrics={"det": ["auc"]}, steps_per_execution=2)
    received = several.evaluate(
        x, labels, batch_size=16, verbose=0, return_dict=True
    )
    expected = single.evaluate(
        x, labels, batch_size=16, verbose=0, return_dict=True
    )
    for key, value in expected.items():
        assert_close(received[key], value)


def test_regularization_is_in_the_total_and_in_no_task():
    x, labels = case.vector_data(48)
    inputs = keras.Input((8,), name="x")
    hidden = keras.layers.Dense(
        4, kernel_regularizer=keras.regularizers.L2(0.1), name="trunk"
    )(inputs)
    model = MultiTaskModel(
        inputs, {"det": keras.layers.Dense(1, "sigmoid", name="det")(hidden)}
    )
    model.compile("sgd", loss="binary_crossentropy")
    logs = model.evaluate(
        x, {"det": labels["det"]}, verbose=0, return_dict=True
    )
    penalty = 0.1 * (case.to_numpy(model.get_layer("trunk").kernel) ** 2).sum()
    assert_close(logs["loss"], logs["det_loss"] + penalty)


@pytest.mark.slow(on_jax=True)
def test_reload_in_mid_training_goes_on_alike(tmp_path):
    x, labels = case.vector_data(64)
    model = compiled(
        optimizer=keras.optimizers.Adam(0.01), loss_weights={"box": 2.0}
    )
    model.fit(x, labels, batch_size=16, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(restored, MultiTaskModel)
    assert list(restored.tasks) == ["box", "cls", "det"]
    assert restored.tasks == model.tasks
    for each in (model, restored):
        each.fit(x, labels, batch_size=16, shuffle=False, verbose=0)
    for received, expected in zip(
        restored.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(received, expected)


def test_config_round_trip_keeps_graph_and_tasks():
    model = case.vector_model()
    copy = MultiTaskModel.from_config(model.get_config())
    assert copy.tasks == model.tasks
    assert copy.get_config() == model.get_config()


def test_own_functional_model_needs_no_declared_tasks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5)).astype("float32")
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(8, "relu")(inputs)
    model = MultiTaskModel(
        inputs,
        {
            "price": keras.layers.Dense(1)(hidden),
            "sold": keras.layers.Dense(1, "sigmoid")(hidden),
        },
    )
    model.compile(
        "adam",
        loss={"price": "mse", "sold": "binary_crossentropy"},
        metrics={"price": ["mae"]},
    )
    price = x.sum(-1)
    price[::3] = np.nan
    history = model.fit(
        x, {"price": price, "sold": x[:, 0] > 0}, epochs=2, verbose=0
    ).history
    assert set(history) == {"loss", "price_loss", "sold_loss", "price_mae"}
    logs = model.evaluate(x, {"price": price}, verbose=0, return_dict=True)
    error = model.predict(x, verbose=0)["price"][:, 0] - price
    assert_close(logs["price_loss"], np.nanmean(error**2))
    assert_close(logs["price_mae"], np.nanmean(abs(error)))
    assert logs["price_loss"] < history["price_loss"][0]


def test_elements_of_a_vector_label_are_masked_one_by_one():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5)).astype("float32")
    y = rng.integers(0, 2, (40, 12)).astype("float32")
    y[rng.uniform(size=y.shape) < 0.3] = np.nan
    inputs = keras.Input((5,))
    model = MultiTaskModel(
        inputs, {"assays": keras.layers.Dense(12, "sigmoid")(inputs)}
    )
    model.compile("sgd", loss="binary_crossentropy")
    logs = model.evaluate(
        x, {"assays": y}, batch_size=16, verbose=0, return_dict=True
    )
    p = model.predict(x, verbose=0)["assays"]
    values = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert_close(logs["assays_loss"], np.nanmean(values))


def test_recompiling_leaves_no_tracker_behind():
    x, labels = case.vector_data(32)
    model = compiled()
    first = len(model.metrics)
    model = compiled(model)
    assert len(model.metrics) == first
    history = model.fit(x, labels, verbose=0).history
    assert len(history) == 1 + 3 + 3


def test_task_that_is_not_trained_is_predicted():
    x, labels = case.vector_data(32)
    model = compiled(
        loss={
            "cls": "sparse_categorical_crossentropy",
            "det": None,
            "box": None,
        }
    )
    history = model.fit(x, labels, verbose=0).history
    assert set(history) == {
        "loss",
        "cls_loss",
        "cls_accuracy",
        "det_accuracy",
        "box_iou",
    }
    assert set(model.predict(x, verbose=0)) == {"box", "cls", "det"}


@pytest.mark.parametrize("as_dict", [False, True])
@pytest.mark.filterwarnings("error:The structure of `inputs`")
def test_the_one_input_comes_bare_or_by_name(as_dict):
    x, _ = case.vector_data(8)
    inputs = keras.Input((8,), name="x")
    outputs = {"a": keras.layers.Dense(1, name="a")(inputs)}
    model = MultiTaskModel({"x": inputs} if as_dict else inputs, outputs)
    bare = model.predict(x, verbose=0)["a"]
    named = model.predict({"x": x}, verbose=0)["a"]
    np.testing.assert_array_equal(bare, named)
