"""Static weights that a user changes while the model trains."""

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, balancing
from tests.test_case import to_numpy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3)).astype("float32")
Y = {name: RNG.normal(size=(8, 1)).astype("float32") for name in "ab"}
START = {"a": RNG.normal(size=(3, 1)), "b": RNG.normal(size=(3, 1))}
RATE = 0.1


def compiled(loss_weights, tasks="ab", **options):
    """A head without a trunk for each task, from the weights `START`."""
    inputs = keras.Input((3,))
    trunk = layers.Dense(
        3, use_bias=False, kernel_initializer="identity", trainable=False
    )(inputs)
    dense = layers.Dense
    model = MultiTaskModel(
        inputs, {n: dense(1, use_bias=False, name=n)(trunk) for n in tasks}
    )
    for name in tasks:
        model.get_layer(name).set_weights([START[name]])
    optimizer = keras.optimizers.SGD(RATE)
    model.compile(optimizer, "mse", loss_weights, **options)
    return model


def descended(name, weights):
    """Gradient descent on the mean squared error, in NumPy, by hand."""
    kernel = START[name].astype("float64")
    for weight in weights:
        error = X @ kernel - Y[name]
        kernel = kernel - RATE * weight * 2 / len(X) * X.T @ error
    return kernel


class Sets(keras.callbacks.Callback):
    """Sets task `a`'s weight before each batch."""

    def __init__(self, weights):
        super().__init__()
        self.values = list(weights)

    def on_train_batch_begin(self, batch, logs=None):
        self.model.balancer.task_weights["a"] = self.values.pop(0)


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}])
def test_a_changed_weight_takes_effect_in_the_next_step(options):
    model = compiled({"b": 2.0}, **options)
    weights = [0.25, 0.0, 3.0, 1.5]
    model.fit(
        X, Y, batch_size=8, epochs=4, verbose=0, callbacks=[Sets(weights)]
    )
    for name, schedule in (("a", weights), ("b", [2.0] * 4)):
        np.testing.assert_allclose(
            model.get_layer(name).get_weights()[0],
            descended(name, schedule),
            rtol=1e-4,
        )


def test_the_weight_0_after_compile_stops_a_task_and_leaves_its_loss_out():
    model = compiled(1.0)
    model.balancer.task_weights["a"] = 0.0
    logs = model.train_on_batch(X, Y, return_dict=True)
    np.testing.assert_array_equal(
        model.get_layer("a").get_weights()[0], START["a"].astype("float32")
    )
    expected = np.mean((X @ START["b"] - Y["b"]) ** 2)
    assert float(logs["loss"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_changed_weights_are_saved_and_restored(tmp_path, suffix):
    model = compiled({"a": 2.0, "b": 1.0})
    model.balancer.task_weights = {"a": 0.5}
    path = tmp_path / f"model{suffix}"
    if suffix == ".keras":
        model.save(path)
        restored = keras.models.load_model(path)
    else:
        model.save_weights(path)
        restored = compiled({"a": 2.0, "b": 1.0})
        restored.load_weights(path)
    assert restored.balancer.task_weights == {"a": 0.5, "b": 1.0}


def test_loading_does_not_override_other_weights_of_compile(tmp_path):
    model = compiled({"a": 2.0, "b": 1.0})
    model.balancer.task_weights["a"] = 0.5
    model.save_weights(tmp_path / "model.weights.h5")
    other = compiled({"a": 4.0, "b": 3.0})
    other.load_weights(tmp_path / "model.weights.h5")
    assert other.balancer.task_weights == {"a": 4.0, "b": 3.0}
    other.compile("sgd", {"a": "mse", "b": None}, {"a": 4.0})
    other.load_weights(tmp_path / "model.weights.h5")
    assert other.balancer.task_weights == {"a": 4.0}


def test_a_number_or_a_dict_changes_several_weights():
    balancer = compiled(1.0).balancer
    balancer.task_weights = 3
    assert balancer.task_weights == {"a": 3.0, "b": 3.0}
    balancer.task_weights = {"b": np.float32(0.5)}
    assert balancer.task_weights == {"a": 3.0, "b": 0.5}
    np.testing.assert_array_equal(to_numpy(balancer.weights()), [3.0, 0.5])


def test_weights_may_change_before_a_model_has_them():
    balancer = balancing.Static({"a": 2.0})
    balancer.task_weights["b"] = 4.0
    received = balancer.weights(losses=[1.0, 1.0])
    np.testing.assert_array_equal(to_numpy(received), [2.0, 4.0])
    assert balancer.get_config()["task_weights"] == {"a": 2.0, "b": 4.0}


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf, "1", True, None])
def test_a_wrong_weight_is_refused_and_changes_nothing(weight):
    balancer = compiled(2.0).balancer
    with pytest.raises(ValueError, match="finite number of at least 0.*'a'"):
        balancer.task_weights["a"] = weight
    assert balancer.task_weights == {"a": 2.0, "b": 2.0}


def test_a_wrong_name_is_refused():
    balancer = compiled(2.0).balancer
    with pytest.raises(ValueError, match="does not train.*'a'.*Received"):
        balancer.task_weights["c"] = 1.0


@pytest.mark.parametrize("name", ["equal", "uncertainty"])
def test_a_method_that_computes_its_weights_takes_none(name):
    balancer = balancing.get(name)
    balancer.bind(("a", "b"))
    with pytest.raises(AttributeError, match="Compile with loss_weights=1.0"):
        balancer.task_weights = {"a": 0.0}


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("cagrad", "c", 0.1),
        ("cagrad", "update_every", 4),
        ("cagrad", "task_weights", {"a": 2.0}),
        ("dwa", "temperature", 1.0),
        ("equal", "monitor", True),
    ],
)
def test_a_hyperparameter_is_fixed_once_compiled(name, argument, value):
    balancer = balancing.get(name)
    setattr(balancer, argument, value)
    balancer.bind(("a", "b"))
    with pytest.raises(AttributeError, match=f"`{argument}`.*Compile again"):
        setattr(balancer, argument, value)


def test_a_preference_is_read_only():
    balancer = balancing.CAGrad(preference={"a": 2.0})
    with pytest.raises(TypeError):
        balancer.preference["a"] = 1.0
    assert balancer.get_config()["preference"] == {"a": 2.0}
