"""What a balancer refuses at `compile` or at the first step, and how."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, balancing
from tests import test_case as case

X = np.ones((8, 4), "float32")
Y = {"a": np.ones(8, "float32"), "b": np.ones(8, "float32")}


def apart(columns=False):
    """Two towers; with `columns`, of one shared layer each."""
    inputs = keras.Input((4,), name="x")
    features = inputs
    if columns:
        features = layers.Dense(6, name="shared")(inputs)
    towers = {n: features for n in "ab"}
    if columns:
        # A layer called in both towers: each head reads a tensor of its own.
        both = layers.Dense(3, name="both")
        towers = {
            "a": both(layers.Lambda(lambda t: t[:, :3])(features)),
            "b": both(layers.Lambda(lambda t: t[:, 3:])(features)),
        }
    return MultiTaskModel(
        inputs, {n: layers.Dense(1, name=n)(t) for n, t in towers.items()}
    )


def compiled(model, loss_weights):
    model.compile("sgd", "mse", loss_weights)
    return model


def test_unknown_name():
    with pytest.raises(ValueError, match="Did you mean 'cagrad'"):
        compiled(apart(columns=True), "cagard")


@pytest.mark.parametrize("name", balancing.list_balancers(level="parameters"))
def test_unknown_level(name):
    with pytest.raises(ValueError, match="not at 'feature'") as error:
        balancing.get(name, on="feature")
    assert "Received: on='feature'" in str(error.value)


def test_level_that_the_method_lacks():
    assert "features" not in balancing.MoCo.levels
    with pytest.raises(ValueError, match="MoCo is defined at 'parameters'"):
        compiled(apart(columns=True), balancing.get("moco", on="features"))


def test_losses_have_no_level():
    with pytest.raises(ValueError, match="hyperparameter of 'dwa': 'on'"):
        balancing.get("dwa", on="features")


def test_preference_for_a_task_that_is_not_there():
    balancer = balancing.get("upgrad", preference={"a": 1.0, "bb": 2.0})
    with pytest.raises(ValueError, match="names the task 'bb'.*mean 'b'"):
        compiled(apart(columns=True), balancer)


def test_preference_where_the_paper_has_none():
    with pytest.raises(ValueError, match="takes no `preference`"):
        balancing.PCGrad(preference={"a": 1.0})


@pytest.mark.parametrize("level", ["features", "last_shared"])
def test_nothing_shared(level):
    balancer = balancing.get("mgda", on=level)
    with pytest.warns(UserWarning, match="share no variable"):
        with pytest.raises(ValueError, match="nothing to act on.*'a', 'b'"):
            compiled(apart(), balancer)


def test_nothing_shared_at_the_parameters_trains_plainly():
    with pytest.warns(UserWarning, match="has nothing to balance"):
        model = compiled(apart(), "mgda")
    model.fit(X, Y, verbose=0)


def test_frozen_trunk_trains_plainly():
    model = apart(columns=True)
    model.get_layer("shared").trainable = False
    model.get_layer("both").trainable = False
    with pytest.warns(UserWarning, match="Compile again when you unfreeze"):
        compiled(model, balancing.get("mgda", on="features"))
    model.fit(X, Y, verbose=0)


def test_no_tensor_is_read_by_two_tasks():
    balancer = balancing.get("mgda", on="features")
    with pytest.warns(UserWarning, match="only magnitudes are balanced"):
        compiled(apart(columns=True), balancer)


def test_one_task_trains_plainly_without_a_word():
    inputs = keras.Input((4,))
    model = MultiTaskModel(inputs, {"a": layers.Dense(1, name="a")(inputs)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in balancing.list_balancers():
            compiled(model, name)
            assert model.step_plan is None
    before = model.get_weights()
    model.fit(X, {"a": Y["a"]}, verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])


@pytest.mark.parametrize("name", ["log_sum", "gls", "famo"])
def test_negative_loss(name):
    def negative(y_true, y_pred):
        return -keras.ops.abs(y_pred[:, 0] - y_true) - 1.0

    model = apart(columns=True)
    model.compile("sgd", {"a": "mse", "b": negative}, name)
    with pytest.raises(ValueError, match="negative loss of the task 'b'"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("name", ["uncertainty", "gradnorm", "moco"])
def test_infinite_step_leaves_the_state(name):
    model = case.vector_model()
    model.compile(
        keras.optimizers.SGD(0.0),
        {"cls": "sparse_categorical_crossentropy", "det": None, "box": "mse"},
        name,
    )
    x, labels = case.vector_data(16)
    labels = {"cls": labels["cls"], "box": labels["box"]}
    model.train_on_batch(x, labels)
    before = [case.to_numpy(v.value) for v in model.balancer.variables]
    x[3] = np.inf
    with pytest.raises(ValueError, match="finite losses"):
        model.train_on_batch(x, labels)
    for value, variable in zip(before, model.balancer.variables, strict=True):
        np.testing.assert_array_equal(case.to_numpy(variable.value), value)


@pytest.mark.sampled
@pytest.mark.parametrize("level", ["features", "parameters"])
def test_absent_task_takes_no_part(level):
    def trunk_after(names):
        model = case.vector_model()
        model.compile(
            keras.optimizers.SGD(0.1),
            loss=dict.fromkeys(("cls", "det", "box"))
            | {n: model.tasks[n].default_loss() for n in names},
            loss_weights=balancing.get("mgda", on=level),
        )
        x, labels = case.vector_data(16, missing=0.0)
        labels["det"][:] = -1
        labels = {name: labels[name] for name in names}
        model.train_on_batch(x, labels)
        return case.to_numpy(model.get_layer("trunk").kernel)

    with_absent = trunk_after(("box", "cls", "det"))
    without = trunk_after(("box", "cls"))
    np.testing.assert_allclose(with_absent, without, rtol=1e-5, atol=1e-7)


def test_names_of_the_logs_before_any_step():
    model = compiled(apart(columns=True), balancing.get("mgda", monitor=True))
    names = model.metrics_names
    assert names == ["loss", "a_loss", "b_loss"]
    assert len(model.evaluate(X, Y, verbose=0)) == len(names)
