"""`smoothing`: the average of every method's weights."""

import numpy as np
import pytest

from mtl_keras import balancing
from mtl_keras.balancing import registry
from tests.mtl_keras.balancing.test_properties import conflicting, losses_of
from tests.mtl_keras.engine.test_reload import assert_resumes
from tests.test_case import to_numpy

SMOOTHED = [
    name
    for name in balancing.list_balancers()
    if "smoothing" in registry.hyperparameters(registry.method(name))
]


def steps():
    """Gramians, losses and who is present, in three steps of three tasks."""
    for seed, present in enumerate(([1, 1, 0], [1, 1, 1], [0, 1, 1])):
        rows = conflicting(3, seed=seed)
        yield rows @ rows.T, losses_of(3, seed), np.array(present, "float32")


@pytest.mark.parametrize("name", SMOOTHED)
def test_weights_are_the_average_of_the_methods_own(name):
    plain, smooth = balancing.get(name), balancing.get(name, smoothing=0.75)
    average = np.full(3, np.nan)
    for gramian, losses, present in steps():
        own = to_numpy(plain.weights(gramian, losses, present))
        expected = np.where(np.isnan(average), own, 0.75 * average + 0.25 * own)
        received = to_numpy(smooth.weights(gramian, losses, present))
        np.testing.assert_allclose(
            received, np.where(present > 0, expected, 0.0), rtol=1e-5, atol=1e-7
        )
        average = np.where(present > 0, expected, average)
        plain.update(gramian, losses, present)
        # A step hands its weights over; else they are computed again.
        given = {"weights": received} if name < "h" else {}
        smooth.update(gramian, losses, present, **given)


def test_every_method_with_weights_takes_it_but_those_that_do_not_change():
    weighting = {
        name
        for name in balancing.list_balancers()
        if registry.method(name).is_weighting
    }
    learned = {"gradnorm", "auto_lambda", "moml"}
    left_out = {"equal", "static", "scheduled", *learned}
    assert set(SMOOTHED) == weighting - left_out
    for name in left_out:
        with pytest.raises(ValueError, match="hyperparameter.*smoothing"):
            balancing.get(name, smoothing=0.5)
    with pytest.raises(ValueError, match="takes no `smoothing`"):
        balancing.GradNorm(smoothing=0.5)
    with pytest.raises(ValueError, match="`smoothing`.*Received"):
        balancing.get("cagrad", smoothing=1.0)


def test_gradients_that_are_not_finite_leave_the_average():
    balancer = balancing.get("cagrad", smoothing=0.5)
    gramian, losses, _ = next(steps())
    balancer.update(gramian, losses)
    before = to_numpy(balancer.state(3)["average"])
    balancer.update(np.full((3, 3), np.nan), losses)
    np.testing.assert_array_equal(
        to_numpy(balancer.state(3)["average"]), before
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("famo", {}),
        pytest.param(
            "cagrad",
            {"on": "features", "update_every": 2},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_saved_model_resumes_the_average(name, options, tmp_path):
    path = tmp_path / "model.keras"
    assert_resumes(name, path, smoothing=0.9, **options)
