"""A balanced model saved in mid-training goes on as if it never stopped."""

import keras
import numpy as np
import pytest

from mtl_keras import balancing
from mtl_keras.training import checkpoint
from tests import test_case as case
from tests.mtl_keras.engine.backends import SIMPLE_LOSS, network

# One of each kind of state: none, scalars, by epoch, drawn, per parameter.
QUICK = ["uncertainty", "dwa", "rlw", "gradnorm", "cagrad", "moco"]
ALL = balancing.list_balancers()


def compiled(name, **options):
    model, x, labels = network("plain")
    model.compile(
        keras.optimizers.Adam(0.01),
        loss=SIMPLE_LOSS,
        loss_weights=balancing.get(name, **options),
    )
    return model, (x, labels)


def fit(model, data, epochs=1):
    model.fit(*data, batch_size=16, shuffle=False, verbose=0, epochs=epochs)


def state_of(model):
    return [*model.weights, *model.balancer.variables]


def assert_same(one, other):
    for a, b in zip(state_of(one), state_of(other), strict=True):
        np.testing.assert_array_equal(
            case.to_numpy(a.value), case.to_numpy(b.value), err_msg=a.path
        )


def assert_resumes(name, path, **options):
    model, data = compiled(name, **options)
    fit(model, data, epochs=2)
    model.save(path)
    reloaded = keras.models.load_model(path)
    assert reloaded.balancer.get_config() == model.balancer.get_config()
    assert_same(model, reloaded)
    fit(model, data, epochs=2)
    fit(reloaded, data, epochs=2)
    assert_same(model, reloaded)


@pytest.mark.sampled
@pytest.mark.parametrize("name", QUICK)
def test_keras_file(name, tmp_path):
    assert_resumes(name, tmp_path / "model.keras")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if name not in QUICK])
def test_keras_file_of_every_method(name, tmp_path):
    assert_resumes(name, tmp_path / "model.keras")


@pytest.mark.slow
def test_held_weights_are_kept(tmp_path):
    # Ten steps, of which every fourth is exact: an epoch ends between them.
    path = tmp_path / "model.keras"
    assert_resumes("cagrad", path, update_every=4, c=0.3)


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["uncertainty", "moco"])
def test_checkpoint(name, tmp_path):
    model, data = compiled(name)
    fit(model, data)
    checkpoint.save(model, tmp_path / "run.npz", {"epoch": 1})
    resumed, _ = compiled(name)
    resumed.optimizer.build(resumed.trainable_variables)
    checkpoint.restore(resumed, tmp_path / "run.npz")
    fit(model, data)
    fit(resumed, data)
    assert_same(model, resumed)


def test_plain_weights_leave_the_balancer_at_its_start(tmp_path):
    path = tmp_path / "model.weights.h5"
    plain, data = compiled("equal")
    fit(plain, data)
    plain.save_weights(path)
    balanced, _ = compiled("uncertainty")
    before = [case.to_numpy(v.value) for v in balanced.balancer.variables]
    balanced.load_weights(path)
    for one, other in zip(plain.weights, balanced.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for value, variable in zip(
        before, balanced.balancer.variables, strict=True
    ):
        np.testing.assert_array_equal(variable.numpy(), value)


@pytest.mark.slow
def test_compiling_again_replaces_the_balancer():
    model, data = compiled("uncertainty")
    fit(model, data)
    num_balanced = len(model.variables)
    model.compile(keras.optimizers.Adam(0.01), loss=SIMPLE_LOSS)
    assert len(model.variables) < num_balanced
    assert len(model.get_weights()) == len(model.weights)
    fit(model, data)
