"""An absent task whose gradients are not finite changes nothing for others."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import MultiTaskModel, balancing
from tests import test_case as case

GRADIENTS = {
    level: balancing.list_balancers(level=level)
    for level in ("parameters", "features", "last_shared")
}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5)).astype("float32")
LABELS = {name: RNG.normal(size=(8, 1)).astype("float32") for name in "ab"}
SHAPES = [(5, 4), (4, 1), (4, 1), (4, 1)]
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in SHAPES]


def model_of(tasks):
    """Heads `a` and `b`, and `c`, whose derivative is infinite everywhere."""
    inputs = keras.Input((5,))
    trunk = layers.Dense(4, "tanh", use_bias=False, name="trunk")(inputs)
    outputs = {}
    for name in tasks:
        output = layers.Dense(1, use_bias=False, name=f"dense_{name}")(trunk)
        if name == "c":
            output = ops.sqrt(0.0 * output)
        outputs[name] = output
    model = MultiTaskModel(inputs, outputs)
    model.get_layer("trunk").set_weights([WEIGHTS[0]])
    for name, weight in zip("abc", WEIGHTS[1:], strict=True):
        if name in tasks:
            model.get_layer(f"dense_{name}").set_weights([weight])
    return model


def step(tasks, labels, name, level, **options):
    """The weights by layer after one step, and the logs."""
    model = model_of(tasks)
    balancer = balancing.get(name, on=level, monitor=True)
    model.compile(keras.optimizers.SGD(0.1), "mse", balancer, **options)
    logs = model.train_on_batch(X, labels, return_dict=True)
    return {
        layer.name: layer.get_weights()[0]
        for layer in model.layers
        if layer.weights
    }, {key: float(value) for key, value in logs.items()}


def assert_others_are_untouched(name, level, *, is_left_out, **options):
    absent = {} if is_left_out else {"c": np.full((8, 1), np.nan, "float32")}
    weights, logs = step("abc", {**LABELS, **absent}, name, level, **options)
    expected, expected_logs = step("ab", LABELS, name, level, **options)
    np.testing.assert_array_equal(weights.pop("dense_c"), WEIGHTS[3])
    for key, value in expected.items():
        np.testing.assert_allclose(weights[key], value, rtol=2e-4, atol=2e-5)
    # A step of `m_config` knows one gradient alone, and no cosine.
    is_unknown = name == "m_config"
    for key in ("loss",) if is_unknown else ("loss", "a_b_cosine"):
        assert np.isclose(logs[key], expected_logs[key], rtol=1e-4)
    assert np.isnan(logs["a_b_cosine"]) == is_unknown


@pytest.mark.parametrize(
    ("name", "level"),
    [(name, level) for level, names in GRADIENTS.items() for name in names],
)
def test_an_infinite_derivative_of_an_absent_task_moves_nothing(name, level):
    # Every other method has a batch without the key, the rest NaN labels.
    is_left_out = GRADIENTS[level].index(name) % 2 == 0
    # Eagerly, for the time that tracing so many steps takes.
    assert_others_are_untouched(
        name, level, is_left_out=is_left_out, run_eagerly=True
    )


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("upgrad", "parameters"),
        ("upgrad", "features"),
        pytest.param("upgrad", "last_shared", marks=pytest.mark.slow),
        pytest.param("graddrop", "features", marks=pytest.mark.slow),
    ],
)
def test_a_compiled_step_leaves_the_absent_task_out(name, level):
    assert_others_are_untouched(
        name, level, is_left_out=False, jit_compile=True
    )


@pytest.mark.parametrize("name", balancing.list_balancers())
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_of_absent_tasks_may_hold_anything(name, value):
    jacobian = RNG.normal(size=(3, 6)).astype("float32")
    losses = np.array([0.5, 2.0, value], "float32")
    poisoned = np.concatenate([jacobian[:2], np.full((1, 6), value)])
    received = balancing.get(name).combine(poisoned, losses, [1, 1, 0])
    expected = balancing.get(name).combine(jacobian[:2], losses[:2])
    np.testing.assert_allclose(
        case.to_numpy(received), case.to_numpy(expected), rtol=1e-4, atol=1e-5
    )


def test_the_sum_without_an_absent_row_is_that_of_the_others():
    received = balancing.get("equal").combine(
        [[1, 2], [3, 1], [np.nan, 0]], present=[1, 1, 0]
    )
    np.testing.assert_array_equal(case.to_numpy(received), [4, 3])


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["equal", "uncertainty"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_plain_step_leaves_out_a_task_that_has_no_labels(name, jit_compile):
    moved = []
    for tasks in ("abc", "ab"):
        model = model_of(tasks)
        options = {"jit_compile": jit_compile}
        model.compile(keras.optimizers.SGD(0.1), "mse", name, **options)
        model.train_on_batch(X, LABELS)
        moved.append(
            {v.name: v.get_weights() for v in model.layers if v.weights}
        )
    np.testing.assert_array_equal(moved[0].pop("dense_c")[0], WEIGHTS[3])
    for layer, expected in moved[1].items():
        np.testing.assert_allclose(moved[0][layer][0], expected[0], rtol=1e-5)


def test_an_absent_head_still_moves_by_its_momentum():
    moments, model = [], model_of("abc")
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5), "mse")
    head = model.get_layer("dense_a").kernel
    for labels in (LABELS, {"b": LABELS["b"]}):
        before = case.to_numpy(head.value)
        model.train_on_batch(X, labels)
        moments.append(case.to_numpy(head.value) - before)
    assert np.abs(moments[0]).min() > 0
    np.testing.assert_allclose(moments[1], 0.5 * moments[0], rtol=1e-5)


def root(y_true, y_pred):
    """Its derivative is infinite where an output of 0 meets a filled label."""
    return ops.sqrt(ops.abs(y_true - y_pred))


@pytest.mark.parametrize("level", [None, "features"])
@pytest.mark.parametrize("output", [0.0, np.inf])
def test_outputs_without_a_label_move_nothing(level, output):
    """By hand: of `x * w`, the two labelled examples alone move `w`."""
    inputs = keras.Input((1,))
    shared = layers.Dense(1, use_bias=False, name="shared")(inputs)
    # The inputs are 0 or infinite where the label is missing.
    outputs = {n: layers.Activation("linear", name=n)(shared) for n in "ab"}
    x = np.array([[1.0], [2.0], [output]], "float32")
    y = np.array([[0.0], [1.0], [np.nan]], "float32")
    model = MultiTaskModel(inputs, outputs)
    model.get_layer("shared").set_weights([np.full((1, 1), 2.0, "float32")])
    weights = None if level is None else balancing.get("equal")
    model.compile(keras.optimizers.SGD(0.1), root, weights)
    if output == 0.0:
        logs = model.train_on_batch(x, {"a": y, "b": y}, return_dict=True)
        # sqrt(2 - 0) and sqrt(4 - 1), and their derivatives by w.
        loss = (np.sqrt(2.0) + np.sqrt(3.0)) / 2
        slope = (1 / (2 * np.sqrt(2.0)) + 2 / (2 * np.sqrt(3.0))) / 2
        (kernel,) = model.get_layer("shared").get_weights()
        np.testing.assert_allclose(logs["a_loss"], loss, rtol=1e-5)
        np.testing.assert_allclose(kernel, 2.0 - 0.1 * 2 * slope, rtol=1e-5)
    else:
        logs = model.test_on_batch(x, {"a": y, "b": y}, return_dict=True)
        loss = (np.sqrt(2.0) + np.sqrt(3.0)) / 2
        np.testing.assert_allclose(logs["a_loss"], loss, rtol=1e-5)
