"""A NaN or infinite loss or gradient raises, or its step changes nothing.

The independent values are those of Keras's own model, trained on the same
batches without the bad one.
"""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import MultiTaskModel, balancing
from mtl_keras.model.finite_watch import NonFiniteError
from mtl_keras.optimizers import PerPart

RNG = np.random.default_rng(0)
SIZE, BAD = 8, 2
X = RNG.normal(size=(6 * SIZE, 5)).astype("float32")
Y = {
    "a": X.sum(axis=1, keepdims=True),
    "b": (X[:, :1] > 0).astype("float32"),
}
LOSS = {"a": "mse", "b": "binary_crossentropy"}
POISONED = X.copy()
# One feature of one example, in the third batch.
POISONED[BAD * SIZE + 3, 1] = np.nan
WITHOUT = np.delete(np.arange(len(X)), np.arange(SIZE) + BAD * SIZE)
BALANCERS = {
    "static": lambda: {"a": 1.0, "b": 1.0},
    "uncertainty": lambda: "uncertainty",
    "features": lambda: balancing.CAGrad(on="features"),
    "parameters": lambda: balancing.CAGrad(on="parameters"),
    "sometimes": lambda: balancing.CAGrad(on="parameters", update_every=2),
}


# One of the compiled kind for each step that there is.
CASES = [
    ("static", False),
    pytest.param("static", True, marks=pytest.mark.slow),
    ("uncertainty", False),
    ("features", True),
    ("parameters", False),
    pytest.param("sometimes", True, marks=pytest.mark.slow),
]


@keras.saving.register_keras_serializable(package="tests")
class Clamped(layers.Layer):
    """Hides NaN from the loss, as ReLU does on some CPUs, on any backend.

    The derivative of a square root at NaN stays NaN.
    """

    def call(self, inputs):
        hidden = ops.sqrt(ops.square(inputs) + 1.0)
        return ops.where(ops.isfinite(hidden), hidden, 0.0)


def network(kind=MultiTaskModel, *, is_hidden=True, dropout=0.0):
    keras.utils.set_random_seed(7)
    inputs = keras.Input((5,), name="x")
    x = layers.Dense(6, name="trunk")(inputs)
    if is_hidden:
        x = Clamped()(x)
    x = layers.BatchNormalization(momentum=0.5)(x)
    x = layers.Dropout(dropout, seed=3)(x)
    heads = {
        "a": layers.Dense(1, name="a")(x),
        "b": layers.Dense(1, "sigmoid", name="b")(x),
    }
    return kind(inputs, heads)


def fit(model, x=POISONED, rows=slice(None), epochs=2, **kwargs):
    labels = {name: label[rows] for name, label in Y.items()}
    options = {"batch_size": SIZE, "shuffle": False, "verbose": 0}
    return model.fit(
        x[rows], labels, epochs=epochs, **options, **kwargs
    ).history


def state(model) -> dict:
    """Every variable that training moves, the optimizer's too."""
    variables = [*model.variables, *model.optimizer.variables]
    return {i: ops.convert_to_numpy(v) for i, v in enumerate(variables)}


def assert_same(received, expected, **tolerance):
    assert received.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(
            received[key], value, err_msg=str(key), **tolerance
        )


@pytest.mark.parametrize(("name", "jit"), CASES)
def test_hidden_nan_is_found_in_the_trunks_gradient(name, jit):
    model = network()
    model.compile("adam", LOSS, BALANCERS[name](), jit_compile=jit)
    with pytest.raises(NonFiniteError, match="gradient of the trunk") as error:
        fit(model)
    assert "in step 3 of epoch 1" in str(error.value)
    assert "loss" not in str(error.value).split("Received:")[1].split(" is ")[0]


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["static", "features"])
def test_finite_training_does_not_raise(name):
    model = network()
    model.compile("adam", LOSS, BALANCERS[name](), metrics={"b": ["auc"]})
    history = fit(model, X, validation_split=0.5)
    assert np.isfinite(history["loss"]).all()
    assert "skipped_steps" not in history


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["static", "features"])
def test_error_names_the_one_task_whose_loss_is_infinite(name):
    model = network(is_hidden=False)

    def broken(label, output):
        loss = ops.mean(ops.square(label - output), axis=-1)
        return loss + ops.where(label[:, 0] > 50, np.inf, 0.0)

    model.compile("sgd", {"a": broken, "b": "mse"}, BALANCERS[name]())
    labels = {"a": Y["a"].copy(), "b": Y["b"]}
    labels["a"][5 * SIZE] = 60
    with pytest.raises(NonFiniteError, match="step 6 of epoch 1") as error:
        model.fit(X, labels, batch_size=SIZE, shuffle=False, verbose=0)
    assert "the loss of 'a'" in str(error.value)
    assert "loss of 'b'" not in str(error.value)
    assert "head of 'b'" not in str(error.value)


def test_error_names_the_head_whose_gradient_alone_is_infinite():
    inputs = keras.Input((5,), name="x")
    trunk = layers.Dense(3, name="trunk")(inputs)
    kernel = layers.Dense(1, name="b", kernel_initializer="zeros")
    model = MultiTaskModel(
        inputs,
        {
            "a": layers.Dense(1, name="a")(trunk),
            # The derivative of the square root of 0 is infinite; the trunk
            # receives the product of infinity and the kernel's 0: NaN too.
            "b": layers.Activation(ops.sqrt, name="root")(kernel(trunk)),
        },
    )
    model.compile("sgd", "mse")
    with pytest.raises(NonFiniteError, match="the head of 'b'") as error:
        model.fit(X, Y, verbose=0, batch_size=SIZE)
    assert "the head of 'a'" not in str(error.value)
    assert "loss of" not in str(error.value)


def test_validation_alone_logs_nan_and_does_not_raise():
    model = network(is_hidden=False)
    model.compile("sgd", LOSS)
    history = fit(model, X, validation_data=(POISONED, Y))
    assert np.isnan(history["val_a_loss"]).all()
    assert np.isfinite(history["a_loss"]).all()


@pytest.mark.parametrize("validated", [False, True])
def test_late_step_is_found_at_the_end_of_its_epoch(validated):
    # Batch 6 is no power of two; with validation the counts are reset before
    # the epoch's callbacks.
    x = X.copy()
    x[-1, 0] = np.nan
    model = network()
    model.compile("sgd", LOSS)
    seen = []
    end = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    more = {"validation_data": (X, Y)} if validated else {}
    with pytest.raises(NonFiniteError, match="step 6 of epoch 1"):
        fit(model, x, callbacks=[end], **more)
    assert not seen


def test_train_on_batch_raises_and_starts_anew():
    model = network()
    model.compile("sgd", LOSS)
    weights = model.get_weights()
    first = slice(0, SIZE)
    labels = {name: label[first] for name, label in Y.items()}
    bad = slice(BAD * SIZE, (BAD + 1) * SIZE)
    model.train_on_batch(X[first], labels)
    with pytest.raises(NonFiniteError, match="in this step. Check"):
        model.train_on_batch(POISONED[bad], labels)
    model.set_weights(weights)
    model.train_on_batch(X[first], labels)


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01, global_clipnorm=0.5),
    "averaged": lambda: keras.optimizers.SGD(0.05, momentum=0.9, use_ema=True),
    "accumulated": lambda: keras.optimizers.SGD(
        0.05, gradient_accumulation_steps=2
    ),
}


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("optimizer", "jit"),
    [("adam", True), ("averaged", False), ("accumulated", False)],
)
def test_skipped_step_ends_where_keras_ends_without_the_batch(optimizer, jit):
    ours = network(dropout=0.3)
    ours.compile(
        OPTIMIZERS[optimizer](),
        LOSS,
        jit_compile=jit,
        on_nonfinite="skip_step",
    )
    history = fit(ours)
    plain = network(keras.Model, dropout=0.3)
    plain.compile(OPTIMIZERS[optimizer](), LOSS, jit_compile=jit)
    expected = fit(plain, X, WITHOUT)
    assert_same(state(ours), state(plain), rtol=1e-5, atol=1e-6)
    assert history["skipped_steps"] == [1, 1]
    np.testing.assert_allclose(history["a_loss"], expected["a_loss"], rtol=1e-5)


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "jit"), CASES)
def test_skipped_step_leaves_every_state_as_without_the_batch(name, jit):
    ends, logs = [], []
    for x, rows in ((POISONED, slice(None)), (X, WITHOUT)):
        model = network(dropout=0.3)
        model.compile(
            PerPart({"trunk": "adam", "heads": "sgd"}),
            LOSS,
            BALANCERS[name](),
            metrics={"b": ["accuracy"]},
            jit_compile=jit,
            on_nonfinite="skip_step",
        )
        logs.append(fit(model, x, rows))
        ends.append(state(model))
    assert_same(*ends, rtol=1e-5, atol=1e-6)
    assert logs[0].pop("skipped_steps") == [1, 1]
    assert logs[1].pop("skipped_steps") == [0, 0]
    assert_same(*logs, rtol=1e-5)


def test_several_steps_an_execution_skip_the_bad_one():
    ends = []
    for steps in (1, 3):
        model = network()
        model.compile(
            "adam",
            LOSS,
            steps_per_execution=steps,
            on_nonfinite="skip_step",
        )
        assert fit(model)["skipped_steps"] == [1, 1]
        ends.append(state(model))
    assert_same(*ends, rtol=1e-5, atol=1e-6)


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["static", "features"])
@pytest.mark.parametrize("mode", ["raise", "skip_step"])
def test_overflow_under_a_loss_scale_is_neither_error_nor_counted(mode, name):
    model = network(is_hidden=False)
    scaled = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.01), initial_scale=2.0**127
    )
    model.compile(
        scaled,
        LOSS,
        BALANCERS[name](),
        on_nonfinite=mode,
        jit_compile=mode == "raise" and name == "static",
    )
    large = {"a": 1e4 * Y["a"], "b": Y["b"]}
    history = model.fit(X, large, batch_size=SIZE, verbose=0).history
    assert history.get("skipped_steps", [0]) == [0]
    assert 1 < float(scaled.dynamic_scale) < 2.0**127


def test_gradients_beyond_any_loss_scale_are_an_error():
    model = network()
    scaled = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.01), initial_scale=4.0
    )
    model.compile(scaled, LOSS)
    # Scales of 4 and 2 may overflow; at 1 the gradient itself is not finite.
    x = np.full_like(X, np.nan)
    with pytest.raises(NonFiniteError, match="in step 3 of epoch 1"):
        fit(model, x)


def test_argument_survives_saving():
    model = network()
    model.compile("sgd", LOSS, on_nonfinite="skip_step")
    config = model.get_compile_config()
    assert config["on_nonfinite"] == "skip_step"
    model.compile("sgd", LOSS)
    model.compile_from_config(config)
    assert fit(model)["skipped_steps"] == [1, 1]


def test_file_without_the_argument_raises_by_default():
    model = network()
    model.compile("sgd", LOSS)
    config = model.get_compile_config()
    del config["on_nonfinite"]
    model.compile_from_config(config)
    with pytest.raises(NonFiniteError):
        fit(model)


@pytest.mark.parametrize("mode", ["rais", "skip", None, True])
def test_unknown_mode_is_refused(mode):
    with pytest.raises(ValueError, match="Expected one of 'raise'"):
        network().compile("sgd", LOSS, on_nonfinite=mode)
    with pytest.raises(ValueError, match="Did you mean 'raise'"):
        network().compile("sgd", LOSS, on_nonfinite="rais")
