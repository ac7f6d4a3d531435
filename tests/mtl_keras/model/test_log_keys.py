"""No two logs of a model have one key."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task

MAE = keras.metrics.MeanAbsoluteError
# Names of tasks whose logs would have one key, with the metrics that do it.
SHARED = {
    "val_loss": (("val", "price"), {}),
    "val_price_loss": (("price", "val_price"), {}),
    "val_price_mae": (
        ("price", "val_price"),
        {"price": ["mae"], "val_price": ["mae"]},
    ),
    "price_sold_loss": (
        ("price", "price_sold"),
        {"price": [MAE(name="sold_loss")]},
    ),
    "price_auc_f1": (
        ("price", "price_auc"),
        {"price": [MAE(name="auc_f1")], "price_auc": ["f1"]},
    ),
}


def compiled(names, metrics=None, **options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {n: keras.layers.Dense(1, name=n)(trunk) for n in names}
    model = MultiTaskModel(inputs, outputs)
    model.compile("sgd", loss="mse", metrics=metrics, **options)
    return model


@pytest.mark.parametrize("key", SHARED)
def test_two_logs_of_one_key_are_refused(key):
    names, metrics = SHARED[key]
    with pytest.raises(ValueError, match="Two logs.*'val_.*Rename") as error:
        compiled(names, metrics)
    assert key in str(error.value) or key == "val_price_mae"


def test_log_of_the_monitor_is_refused_too():
    with pytest.raises(ValueError, match="'price_weight'"):
        compiled(
            ("price", "sold"),
            {"price": [MAE(name="weight")]},
            loss_weights=keras.saving.deserialize_keras_object(MONITORED),
        )


MONITORED = {
    "class_name": "mtl_keras>Uncertainty",
    "config": {"monitor": True},
    "registered_name": "mtl_keras>Uncertainty",
}


def test_a_member_of_a_group_is_refused_too():
    inputs = keras.Input((4,))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {
        "genes": keras.layers.Dense(2, "sigmoid")(trunk),
        "sold": keras.layers.Dense(1)(trunk),
    }
    task = Task("genes", "presence", names=("val", "b"), log_members=True)
    model = MultiTaskModel(inputs, outputs, tasks=[task])
    with pytest.raises(ValueError, match="'val_loss'"):
        model.compile("sgd", loss={"genes": "bce", "sold": "mse"})


def test_names_that_only_look_alike_keep_their_logs():
    model = compiled(
        ("val_a", "value", "loss", "a_b"),
        {"a_b": ["mae"]},
        weighted_metrics={"a_b": ["mae"]},
    )
    x = np.ones((6, 4), "float32")
    labels = {n: np.arange(6.0) * i for i, n in enumerate(model.tasks)}
    logs = model.evaluate(x, labels, verbose=0, return_dict=True)
    outputs = model.predict(x, verbose=0)
    for name, label in labels.items():
        expected = np.mean((outputs[name][:, 0] - label) ** 2)
        np.testing.assert_allclose(logs[f"{name}_loss"], expected, rtol=1e-5)
    assert {"a_b_mae", "a_b_weighted_mae", "loss"} < set(logs)
