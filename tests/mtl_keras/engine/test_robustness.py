"""Steps that a careless user takes: no label, overflow, alternating tasks."""

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, balancing
from tests import test_case as case

GRADIENTS = balancing.list_balancers(level="parameters")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 5)).astype("float32")
Y = {name: X @ RNG.normal(size=5).astype("float32") for name in "ab"}


def compiled(loss_weights, tasks="ab", width=8):
    inputs = keras.Input((5,))
    trunk = layers.Dense(width, "relu")(inputs)
    model = MultiTaskModel(
        inputs, {n: layers.Dense(1, name=n)(trunk) for n in tasks}
    )
    model.compile(keras.optimizers.SGD(0.01), "mse", loss_weights)
    return model


def fit(model, labels, epochs=1):
    return model.fit(
        X, labels, batch_size=16, shuffle=False, verbose=0, epochs=epochs
    ).history


@pytest.mark.sampled
@pytest.mark.parametrize("level", ["features", "parameters"])
def test_tasks_that_alternate_keep_their_held_weights(level):
    labels = {name: label.copy() for name, label in Y.items()}
    labels["a"][16:32] = labels["a"][48:] = np.nan
    labels["b"][:16] = labels["b"][32:48] = np.nan
    balancer = balancing.CAGrad(on=level, update_every=2, monitor=True)
    logs = fit(compiled(balancer), labels, epochs=2)
    # Alone in its batch a task has CAGrad's 1 + c; `b` is never there when
    # the weights are computed, and keeps the weight 1 that it started with.
    np.testing.assert_allclose(logs["a_weight"], 1.5, rtol=1e-5)
    np.testing.assert_allclose(logs["b_weight"], 1.0, rtol=1e-5)


@pytest.mark.parametrize("name", GRADIENTS)
def test_no_task_at_all_gives_zero(name):
    balancer = balancing.get(name)
    losses = np.ones(2, "float32")
    direction = balancer.combine(
        np.zeros((2, 3)), losses=losses, present=np.zeros(2)
    )
    np.testing.assert_array_equal(case.to_numpy(direction), 0.0)


@pytest.mark.parametrize("name", ["cagrad", "imtl_g", "aligned_mtl", "config"])
def test_infinite_gradients_show_as_such(name):
    jacobian = np.array([[np.inf, 1.0], [1.0, 2.0]], "float32")
    direction = balancing.get(name).combine(jacobian, losses=np.ones(2))
    assert not np.isfinite(case.to_numpy(direction)).any()


@pytest.mark.parametrize("name", ["cagrad", "imtl_g", "aligned_mtl", "config"])
def test_overflow_of_float16_is_skipped(name):
    model = compiled("equal")
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.01), initial_scale=2.0**126
    )
    model.compile(optimizer, "mse", name)
    before = model.get_weights()
    model.train_on_batch(X[:16] * 1e9, {n: y[:16] for n, y in Y.items()})
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert float(optimizer.dynamic_scale.value) < 2.0**126


def test_one_balancer_for_two_models():
    balancer = balancing.Uncertainty()
    first = compiled(balancer)
    fit(first, Y)
    state = [case.to_numpy(v.value) for v in balancer.variables]
    with pytest.raises(ValueError, match="Give each model a balancer"):
        compiled(balancer)
    for value, variable in zip(state, balancer.variables, strict=True):
        np.testing.assert_array_equal(case.to_numpy(variable.value), value)
    # Compiling the same model again goes on.
    first.compile("sgd", "mse", balancer)
    assert any(np.any(case.to_numpy(v.value)) for v in balancer.variables)


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2), (0, 3)])
@pytest.mark.parametrize("name", ["equal", "cagrad", "moco"])
def test_jacobian_of_another_shape(name, shape):
    with pytest.raises(ValueError, match="num_tasks, num_parameters"):
        balancing.get(name).combine(np.ones(shape), losses=np.ones(2))


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_gramian_of_another_shape(shape):
    with pytest.raises(ValueError, match="num_tasks, num_tasks"):
        balancing.get("cagrad").weights(np.ones(shape))


def test_a_class_is_no_balancer():
    with pytest.raises(TypeError, match=r"Did you mean CAGrad\(\)"):
        compiled(balancing.CAGrad)


def test_rows_are_needed_at_each_step():
    with pytest.raises(ValueError, match="`update_every` must be 1"):
        balancing.MoCo(update_every=2)


def test_learned_weights_show_in_the_logs():
    balancer = balancing.GradNorm(learning_rate=0.1, monitor=True)
    logs = fit(compiled(balancer), Y, epochs=3)
    weights = np.array([logs["a_weight"], logs["b_weight"]])
    # GradNorm keeps their sum; they start at 1 and move.
    np.testing.assert_allclose(weights.sum(axis=0), 2.0, rtol=1e-5)
    assert abs(weights[0, -1] - 1.0) > 0.01


def test_names_that_run_together_in_the_logs():
    inputs = keras.Input((4,))
    features = keras.layers.Dense(3)(inputs)
    names = ("a", "a_b", "b_c", "c")
    outputs = {n: keras.layers.Dense(1, name=n)(features) for n in names}
    model = MultiTaskModel(inputs, outputs)
    balancer = balancing.CAGrad(monitor=True)
    with pytest.raises(ValueError, match="'a_b_c_cosine' for two pairs"):
        model.compile("sgd", "mse", loss_weights=balancer)


@pytest.mark.parametrize("name", ["static", "aligned_mtl"])
def test_one_balancer_in_models_of_other_tasks(name):
    given = {"static": {"task_weights": {"a": 5.0}}}.get(name, {})
    balancer = balancing.get(name, **given)
    model = compiled(balancer)
    inputs = keras.Input((4,))
    features = keras.layers.Dense(3)(inputs)
    outputs = {n: keras.layers.Dense(1, name=n)(features) for n in ("Z", "a")}
    other = MultiTaskModel(inputs, outputs)
    with pytest.raises(ValueError, match="already balances the model"):
        other.compile("sgd", "mse", loss_weights=balancer)
    assert model.balancer.tasks == ("a", "b")


class OwnLoss(MultiTaskModel):
    """Doubles the loss."""

    def compute_loss(self, *args, **kwargs):
        return 2.0 * super().compute_loss(*args, **kwargs)


def own_model(cls):
    inputs = keras.Input((4,))
    features = keras.layers.Dense(3)(inputs)
    return cls(
        inputs, {n: keras.layers.Dense(1, name=n)(features) for n in "ab"}
    )


def test_own_loss_is_refused_where_it_would_not_be_asked_for():
    model = own_model(OwnLoss)
    with pytest.raises(ValueError, match="OwnLoss overrides `compute_loss`"):
        model.compile("sgd", "mse", loss_weights="pcgrad")
    model.compile("sgd", "mse", loss_weights="equal")
    plain = own_model(MultiTaskModel)
    plain.set_weights(model.get_weights())
    plain.compile("sgd", "mse")
    x, y = np.ones((4, 4), "float32"), dict.fromkeys("ab", np.ones(4))
    doubled = model.compute_loss(x, y, model(x), training=False)
    single = plain.compute_loss(x, y, plain(x), training=False)
    np.testing.assert_allclose(doubled, 2.0 * np.asarray(single), rtol=1e-6)


def test_sum_of_losses_in_a_step_of_ones_own():
    model = own_model(MultiTaskModel)
    model.compile("sgd", "mse", loss_weights="pcgrad")
    x, y = np.ones((4, 4), "float32"), dict.fromkeys("ab", np.ones(4))
    with pytest.raises(ValueError, match="Call super\\(\\).train_step"):
        model.compute_loss(x, y, model(x))
    assert float(model.compute_loss(x, y, model(x), training=False)) > 0


@pytest.mark.parametrize("name", ["graddrop", "moco", "db_mtl", "excess_mtl"])
def test_methods_that_merge_gradients_have_no_weights(name):
    balancer = balancing.get(name)
    assert not balancer.is_weighting
    with pytest.raises(AttributeError, match="no attribute 'weights'"):
        balancer.weights(np.eye(2), [1.0, 2.0])


def test_a_single_number_for_all_tasks():
    with pytest.raises(ValueError, match="for each task"):
        balancing.get("log_sum").weights(losses=1.0)


def test_state_of_another_number_of_tasks():
    balancer = balancing.get("famo")
    balancer.update(losses=[1.0, 2.0])
    with pytest.raises(ValueError, match="state of 2 tasks"):
        balancer.weights(losses=[1.0, 2.0, 3.0])


def test_unknown_level_to_list():
    with pytest.raises(ValueError, match="Did you mean 'features'"):
        balancing.list_balancers(level="feature")


def test_monitor_is_a_truth_value():
    with pytest.raises(ValueError, match="`monitor` must be True or False"):
        balancing.CAGrad(monitor="no")


def test_hyperparameters_that_a_method_lacks():
    with pytest.raises(ValueError, match="reads losses alone") as error:
        balancing.get("uncertainty", on="features")
    assert "'preference'" not in str(error.value)


@pytest.mark.parametrize("name", ["dwa", "uw_so"])
def test_temperature_that_leaves_the_range_of_numbers(name):
    with pytest.raises(ValueError, match="`temperature` must be"):
        balancing.get(name, temperature=1e-300)
    sharp = balancing.get(name, temperature=1e-30)
    assert np.isfinite(np.asarray(sharp.weights(losses=[1e-6, 2.0]))).all()
